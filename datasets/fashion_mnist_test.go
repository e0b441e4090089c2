package datasets_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/icl-msr/icl-msr/datasets"
)

func TestFashionMNIST(t *testing.T) {
	dir := t.TempDir()
	fashion(t, dir)
	for _, train := range []bool{true, false} {
		ds, err := datasets.Open(datasets.Options{Name: "fashion_mnist", Dir: dir, Train: train})
		require.NoError(t, err)
		assert.Equal(t, 20, ds.Len())
		m, err := ds.Image(7)
		require.NoError(t, err)
		assert.Equal(t, []uint8{0, 0, 0}, m.Pix[:3], "a border of 2")
		assert.Equal(t, []uint8{70, 70, 70}, m.Pix[3*(16*32+16):3*(16*32+17)])
	}
	labels := filepath.Join(dir, "train-labels-idx1-ubyte")
	for want, data := range map[string][]byte{
		"truncated at offset 5":            {0, 0, 8, 1, 0},
		"magic number 0x00000803":          idx([]uint32{1, 2, 3}, nil),
		"its header declares 19":           idx([]uint32{19}, make([]byte, 20)),
		"dimension 4294967295 at offset 4": idx([]uint32{1<<32 - 1}, nil),
		"label 12 at offset 27":            idx([]uint32{20}, append(make([]byte, 19), 12)),
		"pictures [20 28 28] for 5 labels": idx([]uint32{5}, make([]byte, 5)),
	} {
		write(t, labels, data)
		_, err := datasets.Open(datasets.Options{Name: "fashion_mnist", Dir: dir, Train: true})
		assert.ErrorContains(t, err, want)
	}
}

func TestFashionMNISTTruncatedGzip(t *testing.T) {
	dir := t.TempDir()
	fashion(t, dir)
	path := filepath.Join(dir, "t10k-images-idx3-ubyte.gz")
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	write(t, path, data[:len(data)/2])
	_, err = datasets.Open(datasets.Options{Name: "fashion_mnist", Dir: dir})
	assert.ErrorContains(t, err, path+": unexpected EOF")
	require.NoError(t, os.Remove(path))
	_, err = datasets.Open(datasets.Options{Name: "fashion_mnist", Dir: dir})
	assert.ErrorContains(t, err, "neither "+filepath.Join(dir, "t10k-images-idx3-ubyte")+" nor")
}

func TestFashionMNISTInTorchvisionsLayout(t *testing.T) {
	dir := t.TempDir()
	fashion(t, filepath.Join(dir, "FashionMNIST", "raw"))
	ds, err := datasets.Open(datasets.Options{Name: "fashion_mnist", Dir: dir, Train: true})
	require.NoError(t, err)
	assert.Equal(t, []int{2, 2, 2, 2, 2, 2, 2, 2, 2, 2}, datasets.Counts(ds))
}
