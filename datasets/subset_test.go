package datasets_test

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/icl-msr/icl-msr/datasets"
)

func TestShareIsTheSameOfEachClassAndOfTheSeed(t *testing.T) {
	dir := t.TempDir()
	pictures(t, filepath.Join(dir, "train"), 3, 20)
	ds, err := datasets.Open(datasets.Options{Name: "folder", Dir: dir, Train: true})
	require.NoError(t, err)
	draw := func(share float64, seed uint64) (first []uint8, counts []int) {
		some, err := datasets.Share(ds, share, seed)
		require.NoError(t, err)
		for i := range some.Len() {
			m, err := some.Image(i)
			require.NoError(t, err)
			first = append(first, m.Pix[0], m.Pix[1]) // class and number
			assert.Equal(t, int(m.Pix[0]), some.Label(i))
		}
		return first, datasets.Counts(some)
	}
	a, counts := draw(0.25, 1)
	assert.Equal(t, []int{5, 5, 5}, counts)
	b, _ := draw(0.25, 1)
	assert.Equal(t, a, b)
	b, _ = draw(0.25, 2)
	assert.NotEqual(t, a, b)
	_, counts = draw(0.001, 1)
	assert.Equal(t, []int{1, 1, 1}, counts, "at least one")
	_, counts = draw(1, 1)
	assert.Equal(t, []int{20, 20, 20}, counts)
}

func TestListedPictures(t *testing.T) {
	dir := t.TempDir()
	ds, err := datasets.Open(datasets.Options{Name: "imagenet", Dir: "testdata/published/imagenet", Train: true})
	require.NoError(t, err)
	list := filepath.Join(dir, "1percent.txt")
	write(t, list, []byte("n01484850_1.JPEG\nn01440764_0.JPEG\n"))
	some, err := datasets.Listed(ds, list)
	require.NoError(t, err)
	assert.Equal(t, []int{0, 2}, labels(some))
	near(t, some, 1, 21)
	write(t, list, []byte("n01484850_1.JPEG\nn01440764_7.JPEG\n"))
	_, err = datasets.Listed(ds, list)
	assert.ErrorContains(t, err, "line 2: no picture n01440764_7.JPEG")
	write(t, list, nil)
	_, err = datasets.Listed(ds, list)
	assert.ErrorContains(t, err, "names no pictures")
}
