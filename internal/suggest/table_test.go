package suggest_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/icl-msr/icl-msr/internal/suggest"
)

func TestTable(t *testing.T) {
	sizes := suggest.Table[int]{{"small", 1}, {"large", 3}}
	assert.Equal(t, []string{"small", "large"}, sizes.Names())
	got, err := sizes.Find("size", "large")
	assert.NoError(t, err)
	assert.Equal(t, 3, got)
	got, err = sizes.Find("size", "larg")
	assert.EqualError(t, err, `unknown size "larg"; did you mean "large"? known: small, large`)
	assert.Zero(t, got)
	_, err = suggest.Table[int]{}.Find("size", "small")
	assert.ErrorContains(t, err, `unknown size "small"`)
}
