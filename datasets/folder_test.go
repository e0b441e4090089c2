package datasets_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/icl-msr/icl-msr/datasets"
	"github.com/icl-msr/icl-msr/transforms"
)

func TestFolderSplits(t *testing.T) {
	dir := t.TempDir()
	pictures(t, dir, 3, 20)
	write(t, filepath.Join(dir, ".hidden", "x.png"), nil)
	write(t, filepath.Join(dir, "class00", "notes.txt"), nil)
	train, err := datasets.Open(datasets.Options{Name: "folder", Dir: dir, Train: true})
	require.NoError(t, err)
	test, err := datasets.Open(datasets.Options{Name: "folder", Dir: dir})
	require.NoError(t, err)
	assert.Equal(t, []int{18, 18, 18}, datasets.Counts(train))
	assert.Equal(t, []int{2, 2, 2}, datasets.Counts(test))
	m, err := test.Image(3)
	require.NoError(t, err)
	assert.Equal(t, transforms.Image{Width: 9, Height: 7, Pix: bytes.Repeat([]byte{1, 19, 50}, 63)}, m)
	pictures(t, filepath.Join(dir, "split", "train"), 2, 3)
	pictures(t, filepath.Join(dir, "split", "val"), 2, 1)
	test, err = datasets.Open(datasets.Options{Name: "folder", Dir: filepath.Join(dir, "split")})
	require.NoError(t, err)
	assert.Equal(t, 2, test.Len())
}

func TestFolderLabelsMeanTheSameInBothParts(t *testing.T) {
	dir := t.TempDir()
	pictures(t, filepath.Join(dir, "train"), 3, 2)
	pictures(t, filepath.Join(dir, "test"), 3, 1)
	require.NoError(t, os.RemoveAll(filepath.Join(dir, "test", "class01"))) // class02 must stay number 2
	test, err := datasets.Open(datasets.Options{Name: "folder", Dir: dir})
	require.NoError(t, err)
	assert.Equal(t, []string{"class00", "class01", "class02"}, test.Classes())
	assert.Equal(t, []int{1, 0, 1}, datasets.Counts(test))
	require.NoError(t, os.Rename(filepath.Join(dir, "test", "class02"), filepath.Join(dir, "test", "zebra")))
	_, err = datasets.Open(datasets.Options{Name: "folder", Dir: dir})
	assert.ErrorContains(t, err, "class zebra is in "+filepath.Join(dir, "test"))
}

func TestFolderWithAClassCalledTrain(t *testing.T) {
	dir := t.TempDir()
	pictures(t, dir, 2, 10)
	require.NoError(t, os.Rename(filepath.Join(dir, "class01"), filepath.Join(dir, "train")))
	ds, err := datasets.Open(datasets.Options{Name: "folder", Dir: dir, Train: true})
	require.NoError(t, err)
	assert.Equal(t, []string{"class00", "train"}, ds.Classes())
	assert.Equal(t, []int{9, 9}, datasets.Counts(ds))
}

func TestFolderFollowsLinks(t *testing.T) {
	dir, elsewhere := t.TempDir(), t.TempDir()
	pictures(t, elsewhere, 2, 10)
	require.NoError(t, os.Symlink(filepath.Join(elsewhere, "class00"), filepath.Join(dir, "a")))
	for i := range 10 {
		name := fmt.Sprintf("%03d.png", i)
		write(t, filepath.Join(dir, "b", ".keep"), nil)
		require.NoError(t, os.Symlink(filepath.Join(elsewhere, "class01", name), filepath.Join(dir, "b", name)))
	}
	ds, err := datasets.Open(datasets.Options{Name: "folder", Dir: dir, Train: true})
	require.NoError(t, err)
	assert.Equal(t, []int{9, 9}, datasets.Counts(ds))
	m, err := ds.Image(17)
	require.NoError(t, err)
	assert.Equal(t, []uint8{1, 8, 50}, m.Pix[:3])
}

func TestFolderBadInput(t *testing.T) {
	base := t.TempDir()
	at := func(name string) string { return filepath.Join(base, name) }
	pictures(t, at("one"), 1, 10)
	pictures(t, at("few"), 2, 9)
	pictures(t, at("no-test/train"), 2, 3)
	pictures(t, at("no-train/val"), 2, 3)
	write(t, at("file"), nil)
	write(t, at("loose/a.jpg"), nil)
	require.NoError(t, os.MkdirAll(at("empty/cats"), 0o755))
	for name, want := range map[string]string{
		"missing":  "no such file or directory",
		"file":     at("file") + " is a file; --data-dir takes a folder of class folders",
		"empty":    at("empty") + " has no class folders with PNG or JPEG pictures (0 loose files)",
		"loose":    at("loose") + " has no class folders with PNG or JPEG pictures (1 loose files)",
		"one":      at("one") + " has one class only (class00)",
		"few":      "no class of " + at("few") + " has the ten pictures",
		"no-test":  at("no-test") + " has train but neither test nor val",
		"no-train": at("no-train/val") + " has no train beside it",
	} {
		_, err := datasets.Open(datasets.Options{Name: "folder", Dir: at(name)})
		require.ErrorContains(t, err, want)
		assert.NotContains(t, err.Error(), "\n")
	}
}

func TestFolderNamesACorruptPicture(t *testing.T) {
	dir := t.TempDir()
	pictures(t, dir, 2, 10)
	bad := filepath.Join(dir, "class01", "003.png")
	write(t, bad, []byte("\x89PNG\r\n\x1a\nnot really"))
	ds, err := datasets.Open(datasets.Options{Name: "folder", Dir: dir, Train: true})
	require.NoError(t, err, "pictures are decoded when asked for")
	_, err = ds.Image(9 + 3)
	assert.ErrorContains(t, err, bad)
	assert.ErrorContains(t, err, "replace or remove it")
	_, err = ds.Image(9 + 4)
	assert.NoError(t, err)
}
