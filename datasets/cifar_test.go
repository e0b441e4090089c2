package datasets_test

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/icl-msr/icl-msr/datasets"
)

func TestCIFAR10(t *testing.T) {
	dir := t.TempDir()
	for i := range 5 {
		write(t, filepath.Join(dir, "cifar-10-batches-bin", fmt.Sprintf("data_batch_%d.bin", i+1)), cifarFile(12))
	}
	ds, err := datasets.Open(datasets.Options{Name: "cifar10", Dir: dir, Train: true})
	require.NoError(t, err)
	assert.Equal(t, 60, ds.Len())
	assert.Equal(t, 1, ds.Label(11))
	m, err := ds.Image(11)
	require.NoError(t, err)
	assert.Equal(t, []uint8{11, 100, 200}, m.Pix[3*500:3*501])
	_, err = datasets.Open(datasets.Options{Name: "cifar10", Dir: dir})
	assert.ErrorContains(t, err, "test_batch.bin")
	bad := cifarFile(3)
	bad[3073] = 77
	write(t, filepath.Join(dir, "cifar-10-batches-bin", "test_batch.bin"), bad)
	_, err = datasets.Open(datasets.Options{Name: "cifar10", Dir: dir})
	assert.ErrorContains(t, err, "label 77 at offset 3073")
	write(t, filepath.Join(dir, "cifar-10-batches-bin", "test_batch.bin"), bad[:5000])
	_, err = datasets.Open(datasets.Options{Name: "cifar10", Dir: dir})
	assert.ErrorContains(t, err, "test_batch.bin: truncated at offset 3073")
}
