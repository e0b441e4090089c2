package datasets_test

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/icl-msr/icl-msr/datasets"
)

func TestShareDependsOnTheSeedAndIsTheSameOfEachClass(t *testing.T) {
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

// A list names a file by as much of its path as identifies it.
func TestListedPicturesByPath(t *testing.T) {
	dir := t.TempDir()
	tree(
		t,
		filepath.Join(dir, "train"),
		"a/0.jpg",
		"a/1.jpg",
		"a/sub/2.png",
		"b/0.jpg",
		"b/3.jpg",
		"b/3.png",
		"c/4.x.jpg",
	)
	ds, err := datasets.Open(datasets.Options{Name: "folder", Dir: dir, Train: true})
	require.NoError(t, err)
	list := filepath.Join(t.TempDir(), "list.txt")
	for line, want := range map[string]string{
		"a/0.jpg":                       "a/0.jpg",
		"b/0.jpg":                       "b/0.jpg",
		"./b/0.jpg":                     "b/0.jpg",
		"train/b/0.jpg":                 "b/0.jpg",
		"/elsewhere/pics/train/b/0.jpg": "b/0.jpg",
		dir + "/train/a/0.jpg":          "a/0.jpg",
		"a/0":                           "a/0.jpg",
		"a/0.JPEG":                      "a/0.jpg",
		"1.jpg":                         "a/1.jpg",
		"2.png":                         "a/sub/2.png",
		"sub/2.png":                     "a/sub/2.png",
		"3.png":                         "b/3.png",
		"b/3.jpg":                       "b/3.jpg",
		"c/4.x.jpg":                     "c/4.x.jpg",
	} {
		write(t, list, []byte(line+"\n"))
		some, err := datasets.Listed(ds, list)
		require.NoError(t, err, line)
		assert.Equal(t, []string{want}, names(t, some, filepath.Join(dir, "train")), line)
	}
	for line, want := range map[string]string{
		"0.jpg":     "line 1: 0.jpg can be a/0.jpg and b/0.jpg (give its folder, as in a/0.jpg) in folder " + dir,
		"3":         "line 1: 3 can be b/3.jpg and b/3.png",
		"b/3.gif":   "line 1: b/3.gif can be b/3.jpg and b/3.png",
		"c/0.jpg":   "line 1: no picture c/0.jpg (but a/0.jpg) in folder " + dir,
		"xa/0.jpg":  "line 1: no picture xa/0.jpg",
		"a/2.png":   "line 1: no picture a/2.png (but a/sub/2.png)",
		"a/9.jpg":   "line 1: no picture a/9.jpg in",
		"c/4.y.jpg": "line 1: no picture c/4.y.jpg",
	} {
		write(t, list, []byte(line+"\n"))
		_, err := datasets.Listed(ds, list)
		assert.ErrorContains(t, err, want)
	}
	keys := published(t, "shards", "shards", nil)
	write(t, list, []byte("train-001.tar/sample1\n"))
	some, err := datasets.Listed(keys, list)
	require.NoError(t, err)
	assert.Equal(t, "train-001.tar/sample1", seen(some).names)
	write(t, list, []byte("sample1.jpg\n"))
	_, err = datasets.Listed(keys, list)
	assert.ErrorContains(t, err, "sample1.jpg can be train-000.tar/sample1 and train-001.tar/sample1")
}
