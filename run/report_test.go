package main

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestTopFiveOfFewClassesIsNone(t *testing.T) {
	assert.Equal(t, "-", topFive(5, 0))
	assert.Equal(t, "0.00%", topFive(6, 0))
	assert.Equal(t, "98.77%", topFive(1000, 0.98765))
}
