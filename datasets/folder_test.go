package datasets_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
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

func TestFolderLabelsMeanTheSameInBothSplits(t *testing.T) {
	dir := t.TempDir()
	pictures(t, filepath.Join(dir, "train"), 3, 2)
	pictures(t, filepath.Join(dir, "test"), 3, 1)
	require.NoError(t, os.RemoveAll(filepath.Join(dir, "test", "class01"))) // class02 must stay number 2
	test, err := datasets.Open(datasets.Options{Name: "folder", Dir: dir})
	require.NoError(t, err)
	assert.Equal(t, []string{"class00", "class01", "class02"}, test.Classes())
	assert.Equal(t, []int{1, 0, 1}, datasets.Counts(test))
	assert.Equal(
		t,
		[]string{dir + ": of 1 of the 3 classes there are no pictures to test with: class01"},
		datasets.Notes(test),
	)
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
	pictures(t, at("part/train"), 2, 3)
	pictures(t, at("part/test"), 2, 3)
	pictures(t, at("strangers/train"), 2, 1)
	pictures(t, at("strangers/test"), 4, 1)
	pictures(t, at("loose-test/train"), 2, 1)
	for _, name := range []string{
		"loose/a.jpg",
		"loose-parts/train/a.jpg",
		"loose-parts/test/a.jpg",
		"loose-train/train/a.jpg",
		"loose-train/test/cat/a.jpg",
		"loose-test/test/a.jpg",
		"unread/cats/a.heic",
		"file",
	} {
		write(t, at(name), nil)
	}
	require.NoError(t, os.MkdirAll(at("empty/cats"), 0o755))
	for name, want := range map[string]string{
		"missing": "no such file or directory",
		"file":    "Dir " + at("file") + " is a file; want a folder of class folders",
		"empty": at("empty") + " has no class folders with pictures (only cats (no files)); " +
			"want " + at("empty") + "/CLASS/*.jpg",
		"unread": at("unread") + " has no class folders with pictures (only cats (1 .heic))",
		"loose": at("loose") + " has no class folders, but 1 loose pictures; " +
			"want " + at("loose") + "/CLASS/*.jpg, or, to pre-train without labels, Name unlabelled Dir " + at("loose"),
		"loose-parts": at("loose-parts/train") + " has no class folders, but 1 loose pictures",
		"loose-train": at("loose-train/train") + " has no class folders, but 1 loose pictures",
		"loose-test":  at("loose-test/test") + " has no class folders, but 1 loose pictures",
		"one":         at("one") + " has one class only (class00): there is nothing to evaluate",
		"few":         "no class of " + at("few") + " has the ten pictures",
		"part/test": at("part/test") + " has ten pictures, of which one would be for testing; " +
			"it is a part of " + at("part") + ": give Dir " + at("part"),
		"no-test":   at("no-test") + " has train but neither test nor val",
		"no-train":  at("no-train/val") + " has no train beside it",
		"strangers": "classes class02, class03 are in " + at("strangers/test") + " but not in " + at("strangers/train"),
	} {
		_, err := datasets.Open(datasets.Options{Name: "folder", Dir: at(name)})
		require.ErrorContains(t, err, want)
		assert.NotContains(t, err.Error(), "\n")
	}
}

// One class is enough for training.
func TestFolderOfOneClassTrains(t *testing.T) {
	dir := t.TempDir()
	pictures(t, dir, 1, 10)
	ds, err := datasets.Open(datasets.Options{Name: "folder", Dir: dir, Train: true})
	require.NoError(t, err)
	assert.Equal(t, 9, ds.Len())
	assert.Contains(
		t,
		datasets.Notes(ds),
		dir+" has one class only (class00): enough to pre-train; an evaluation needs two",
	)
	pictures(t, filepath.Join(dir, "parts", "train"), 3, 2)
	pictures(t, filepath.Join(dir, "parts", "test"), 3, 2)
	_, err = datasets.Open(
		datasets.Options{Name: "folder", Dir: filepath.Join(dir, "parts"), Classes: []string{"class01"}},
	)
	assert.ErrorContains(
		t,
		err,
		"has one class only (class01): there is nothing to evaluate",
		"of those that were chosen, too",
	)
}

func TestFolderSplitsByAnyName(t *testing.T) {
	for _, c := range []struct {
		train, test string
		beside      []string
		notes       []string // DIR stands for the folder
	}{
		{"train", "test", nil, nil},
		{"Training", "Valid", nil, nil},
		{"TRAIN", "testing", nil, nil},
		{
			"train",
			"validation",
			[]string{"annotations"},
			[]string{"DIR: beside train and validation, annotations is not read"},
		},
		{
			"train",
			"test",
			[]string{"val", "Valid"},
			[]string{"DIR has test and val and Valid: test is for testing, val, Valid are not read"},
		},
		{"train", "Test", []string{"training"}, []string{"DIR: beside train and Test, training is not read"}},
	} {
		dir := t.TempDir()
		pictures(t, filepath.Join(dir, c.train), 2, 3)
		pictures(t, filepath.Join(dir, c.test), 2, 1)
		for _, name := range c.beside {
			pictures(t, filepath.Join(dir, name), 2, 5)
		}
		var want []string
		for _, n := range c.notes {
			want = append(want, strings.ReplaceAll(n, "DIR", dir))
		}
		train, err := datasets.Open(datasets.Options{Name: "folder", Dir: dir, Train: true})
		require.NoError(t, err)
		test, err := datasets.Open(datasets.Options{Name: "folder", Dir: dir})
		require.NoError(t, err)
		assert.Equal(t, []int{3, 3}, datasets.Counts(train), "%s %s", c.train, c.test)
		assert.Equal(t, []int{1, 1}, datasets.Counts(test), "%s %s", c.train, c.test)
		assert.Equal(t, want, datasets.Notes(train))
		assert.Equal(t, want, datasets.Notes(test))
	}
}

func TestFolderNotesThatItIsSplit(t *testing.T) {
	dir := t.TempDir()
	pictures(t, filepath.Join(dir, "train"), 2, 10)
	open := func(dir string) []string {
		ds, err := datasets.Open(datasets.Options{Name: "folder", Dir: dir, Train: true})
		require.NoError(t, err)
		return datasets.Notes(ds)
	}
	train := filepath.Join(dir, "train")
	alone := []string{
		train + " has no train and test: every tenth picture of a class is for testing, the others for training",
	}
	assert.Equal(t, alone, open(train))
	pictures(t, filepath.Join(dir, "Val"), 2, 1)
	again := train + " is split again: every tenth picture of a class is for testing, " +
		"and " + filepath.Join(dir, "Val") + " is not read; the folder " + dir + " has both splits"
	assert.Equal(t, []string{again}, open(train))
	assert.Len(t, open(train+"/"), 1)
	assert.Empty(t, open(dir))
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
