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
	assert.ErrorContains(t, err, "Correlation 2: want 0 to 1")
	for want, o := range map[string]datasets.Options{
		"Count -1: want 0 or more":                               {Name: "shapes", Count: -1},
		"Size 7: want 8 to 1024 pixels":                          {Name: "shapes", Size: 7},
		"Name folder needs Dir: the folder with DIR/train/CLASS": {Name: "folder"},
	} {
		_, err := datasets.Open(o)
		assert.ErrorContains(t, err, want)
	}
}
