package datasets_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/icl-msr/icl-msr/datasets"
)

func TestUnknownDataset(t *testing.T) {
	_, err := datasets.Open(datasets.Options{Name: "cifar"})
	assert.ErrorContains(t, err, `did you mean "cifar10"`)
	_, err = datasets.Open(datasets.Options{Name: "shapes", Correlation: 2})
	assert.ErrorContains(t, err, "--correlation 2")
}
