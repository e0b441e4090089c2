package datasets_test

import (
	"archive/tar"
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/icl-msr/icl-msr/datasets"
)

// shard writes a tar file: of each "NAME=TEXT" a member; a name of a picture
// needs no text.
func shard(t *testing.T, path string, members ...string) {
	one, err := os.ReadFile("testdata/decode/rgb.png")
	require.NoError(t, err)
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, m := range members {
		name, text, given := strings.Cut(m, "=")
		data := []byte(text)
		if !given {
			data = one
		}
		require.NoError(
			t,
			w.WriteHeader(&tar.Header{Name: name, Size: int64(len(data)), Typeflag: tar.TypeReg, Mode: 0o600}),
		)
		_, err := w.Write(data)
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	write(t, path, b.Bytes())
}

// got is what a part of shards is found to have.
type got struct {
	classes, names string
	labels         []int
}

func seen(ds datasets.Dataset) (g got) {
	var names []string
	for i := range ds.Len() {
		names = append(names, datasets.PictureName(ds, i))
	}
	return got{strings.Join(ds.Classes(), " "), strings.Join(names, " "), labels(ds)}
}

func TestShardsLabels(t *testing.T) {
	for what, c := range map[string]struct {
		train, test []string
		want        [2]got // training, testing
	}{
		"the test split lacks a class": {
			[]string{
				"x.jpg",
				"x.cls=0",
				"y.jpg",
				"y.cls=1",
				"z.jpg",
				"z.cls=2",
			}, []string{"u.jpg", "u.cls=2", "v.jpg", "v.cls=1"},
			[2]got{{"0 1 2", "x y z", []int{0, 1, 2}}, {"0 1 2", "u v", []int{2, 1}}}},
		"numbers of a .cls by value, as WebDataset reads them": {
			[]string{
				"x.jpg",
				"x.cls=01",
				"y.jpg",
				"y.cls=1\n",
				"z.jpg",
				"z.cls=10",
			}, []string{"u.jpg", "u.cls=010", "v.jpg", "v.cls=001"},
			[2]got{{"1 10", "x y z", []int{0, 0, 1}}, {"1 10", "u v", []int{1, 0}}}},
		"numbers keep the name that all have": {
			[]string{"x.jpg", "x.cls=02", "y.jpg", "y.cls=01"}, []string{"u.jpg", "u.cls=1"},
			[2]got{{"01 02", "x y", []int{1, 0}}, {"01 02", "u", []int{0}}}},
		"texts of a .json by letter": {
			[]string{
				`x.json={"label": "01"}`,
				"x.jpg",
				`y.json={"label": "1"}`,
				"y.jpg",
				`z.json={"label": 1}`,
				"z.jpg",
				`w.json={"label": "cat"}`,
				"w.jpg",
			}, []string{"u.jpg", "u.cls=cat"},
			[2]got{{"01 1 cat", "x y z w", []int{0, 1, 1, 2}}, {"01 1 cat", "u", []int{2}}}},
		"keys end at the first point": {
			[]string{
				"x.jpg",
				"x.cls=a",
				"x.mask.png",
				"d.1/y.jpg",
				"d.1/y.cls=b",
				"d.1/y.left.json={}",
			}, []string{"u.JPG", "u.cls=b"},
			[2]got{{"a b", "x d.1/y", []int{0, 1}}, {"a b", "u", []int{1}}}},
		"keys with points that have labels of their own": {
			[]string{"x.1.jpg", "x.1.cls=a", "x.2.jpg", "x.2.cls=b"}, []string{"u.3.jpg", "u.3.cls=b"},
			[2]got{{"a b", "x.1 x.2", []int{0, 1}}, {"a b", "u.3", []int{1}}}},
		"class folders with folders in them": {
			[]string{
				"all/cat/0.jpg",
				"all/cat/2024/0.webp",
				"all/dog/2023/0.x.tif",
				"all/@eaDir/0.jpg",
			}, []string{"v/dog/2024/0.jpg", "v/dog/2024/1.jpg"},
			[2]got{
				{"cat dog", "all/cat/0.jpg all/cat/2024/0.webp all/dog/2023/0.x.tif", []int{0, 0, 1}},
				{"cat dog", "v/dog/2024/0.jpg v/dog/2024/1.jpg", []int{1, 1}},
			}},
		"class folders that all have folders in them": {
			[]string{"cat/2023/0.jpg", "cat/2024/0.jpg", "dog/2024/0.jpg"}, []string{"dog/2024/0.jpg"},
			[2]got{
				{"cat dog", "cat/2023/0.jpg cat/2024/0.jpg dog/2024/0.jpg", []int{0, 0, 1}},
				{"cat dog", "dog/2024/0.jpg", []int{1}},
			}},
		"a path from above": {
			[]string{"../x/a/0.jpg", "../x/b/0.jpg"}, []string{"../x/b/0.jpg"},
			[2]got{{"a b", "../x/a/0.jpg ../x/b/0.jpg", []int{0, 1}}, {"a b", "../x/b/0.jpg", []int{1}}}},
		"the tar's own folder": {
			[]string{"train-0/cat/0.jpg", "train-0/dog/0.jpg"}, []string{"val-0/cat/0.jpg"},
			[2]got{
				{"cat dog", "train-0/cat/0.jpg train-0/dog/0.jpg", []int{0, 1}},
				{"cat dog", "val-0/cat/0.jpg", []int{0}},
			}},
	} {
		dir := t.TempDir()
		shard(t, filepath.Join(dir, "train-0.tar"), c.train...)
		shard(t, filepath.Join(dir, "val-0.tar"), c.test...)
		for k, train := range []bool{true, false} {
			ds, err := datasets.Open(datasets.Options{Name: "shards", Dir: dir, Train: train})
			require.NoError(t, err, what)
			assert.Equal(t, c.want[k], seen(ds), what)
			_, err = ds.Image(0)
			assert.NoError(t, err, what)
			require.NoError(t, datasets.Close(ds))
			_, err = ds.Image(ds.Len() - 1)
			assert.True(t, err == nil && ds.Len() == 1 || err != nil, "%s: closed files cannot be read", what)
		}
	}
}

func TestShardsThatAreRefused(t *testing.T) {
	for want, c := range map[string]struct {
		members, test []string
		train         bool
	}{
		`u.jpg in DIR/val-0.tar is of class "3", which the training split lacks (its classes: 0, 1); remove it, ` +
			"or add the class there": {
			[]string{"x.jpg", "x.cls=0", "y.jpg", "y.cls=1"},
			[]string{"u.jpg", "u.cls=3"},
			false,
		},
		`b/u.jpg in DIR/val-0.tar is of class "b"`: {
			[]string{"a/x.jpg", "c/x.jpg"},
			[]string{"b/u.jpg"},
			false,
		},
		"y.mask.jpg has no label (y.mask.cls, or \"label\" in y.mask.json) in DIR/train-0.tar": {
			[]string{"x.jpg", "x.cls=0", "y.mask.jpg"},
			[]string{"u.jpg"},
			true,
		},
		"x.jpg lies in no folder, and a/y.jpg does; want all in class folders, or none": {
			[]string{"x.jpg", "a/y.jpg"},
			nil,
			true,
		},
		"the pictures have neither labels nor folders, unlike those of the training split": {
			[]string{"a/x.jpg", "b/x.jpg"},
			[]string{"u.jpg"},
			false,
		},
		"DIR has one class only (a): there is nothing to evaluate": {
			[]string{"a/x.jpg"},
			[]string{"a/u.jpg"},
			false,
		},
		"no pictures in the tar files (1 .heic)": {[]string{"a/x.heic=1"}, nil, true},
	} {
		dir := t.TempDir()
		shard(t, filepath.Join(dir, "train-0.tar"), c.members...)
		shard(t, filepath.Join(dir, "val-0.tar"), c.test...)
		_, err := datasets.Open(datasets.Options{Name: "shards", Dir: dir, Train: c.train})
		assert.ErrorContains(t, err, strings.ReplaceAll(want, "DIR", dir))
	}
}

func TestShardsNotes(t *testing.T) {
	dir := t.TempDir()
	shard(
		t,
		filepath.Join(dir, "train.tar"),
		"x.jpg",
		"x.cls=1",
		"y.jpg",
		"y.cls=01",
		"x.mask.png",
		"z.heic=1",
		"x.txt=a caption",
		"__MACOSX/._x.jpg=1",
		"._x.cls=7",
	)
	write(t, filepath.Join(dir, "more.tar.gz"), nil)
	shard(t, filepath.Join(dir, "rest.tar"), "q.jpg")
	ds, err := datasets.Open(datasets.Options{Name: "shards", Dir: dir, Train: true})
	require.NoError(t, err)
	assert.Equal(t, []string{
		"labels 1 and 01 are the same number, and one class",
		dir + ": in neither split, and not read: rest.tar",
		dir + ": not read, since they are compressed: 1 .tar.gz; unpack them to .tar",
		dir + ": of the tar files' members these are neither pictures nor labels: 1 .heic, 1 .mask.png, 1 .txt",
		dir + " has one class only (1): enough to pre-train; an evaluation needs two",
	}, datasets.Notes(ds))
}

// Which tar files are of which part, by their names; each has one picture of
// its own name.
func TestShardsSplits(t *testing.T) {
	for _, c := range []struct{ files, train, test, note string }{
		{"train-0 train-1 val-0", "train-0 train-1", "val-0", ""},
		{"Training/a Valid/b", "a", "b", ""},
		{"shard-0 shard-1 test-0", "shard-0 shard-1", "test-0", ""},
		{"shard-0 imagenet_val_0", "shard-0", "imagenet_val_0", ""},
		{
			"shard-0 validation-0 test-0",
			"shard-0",
			"validation-0",
			"DIR has *validation*.tar and *test*.tar: *validation*.tar is for testing, *test*.tar is not read",
		},
		{"train/a train/b val/c", "a b", "c", ""},
		{"train/a val/c extra", "a", "c", "DIR: in neither split, and not read: extra.tar"},
		{"latest-0 contest-1", "contest-1 latest-0", "", ""}, // words within words
		{"mytrain myval", "mytrain", "myval", ""},            // but not where the others are named
		{"trainval-0 val-0", "trainval-0", "val-0", ""},      // never both
		{"S[1]/train-0 S[1]/val-0", "train-0", "val-0", ""},  // no pattern
		{"S*/a S*/b S/train-0", "a b", "", ""},               // neither
		{"test-0", "", "test-0", ""},                         // not for training
	} {
		dir := t.TempDir()
		at := dir
		for _, f := range strings.Fields(c.files) {
			name := filepath.Base(f)
			shard(t, filepath.Join(dir, f+".tar"), "a/"+name+".png", "b/"+name+".png")
			if strings.HasPrefix(f, "S") {
				at = filepath.Join(dir, strings.Split(strings.Fields(c.files)[0], "/")[0])
			}
		}
		for want, train := range map[string]bool{"train": true, "test": false} {
			want = map[string]string{"train": c.train, "test": c.test}[want]
			ds, err := datasets.Open(datasets.Options{Name: "shards", Dir: at, Train: train})
			if want == "" {
				assert.ErrorContains(t, err, at+" has no ", c.files)
				continue
			}
			require.NoError(t, err, c.files)
			var from []string
			for i := 0; i < ds.Len(); i += 2 {
				from = append(from, strings.TrimSuffix(filepath.Base(datasets.PictureName(ds, i)), ".png"))
			}
			assert.Equal(t, want, strings.Join(from, " "), c.files)
			if c.note != "" {
				assert.Contains(t, datasets.Notes(ds), strings.ReplaceAll(c.note, "DIR", at))
			}
		}
	}
}

func TestShardsKeysOfTwoTars(t *testing.T) {
	ds := published(t, "shards", "shards", nil)
	assert.Equal(
		t,
		"train-000.tar/sample0 train-000.tar/sample1 train-001.tar/sample0 train-001.tar/sample1",
		seen(ds).names,
	)
}

// What fails to open, and what is closed, leaves no file open.
func TestNoFileStaysOpen(t *testing.T) {
	open := func() int {
		entries, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Skip(err)
		}
		return len(entries)
	}
	bad, stl := t.TempDir(), copyOf(t, "stl10_binary")
	shard(t, filepath.Join(bad, "train-0.tar"), "x.jpg", "x.cls=0", "y.jpg", "y.cls=1")
	write(t, filepath.Join(bad, "train-1.tar"), []byte(strings.Repeat("no tar ", 200)))
	require.NoError(t, os.Remove(filepath.Join(stl, "unlabeled_X.bin")))
	before := open()
	for range 20 {
		_, err := datasets.Open(datasets.Options{Name: "shards", Dir: bad, Train: true})
		require.ErrorContains(t, err, "train-1.tar: archive/tar: invalid tar header; fetch it again")
		_, err = datasets.Open(
			datasets.Options{Name: "shards", Dir: "testdata/published/shards", Train: true, Classes: []string{"77"}},
		)
		require.Error(t, err)
		_, err = datasets.Open(datasets.Options{Name: "stl10", Dir: stl, Train: true, Unlabelled: true})
		require.ErrorContains(t, err, "unlabeled_X.bin")
		for name, dir := range map[string]string{
			"shards":   "shards",
			"stl10":    "",
			"cifar10":  "",
			"imagenet": "imagenet",
			"coco":     "coco",
		} {
			ds := published(t, name, dir, nil)
			some, err := datasets.Share(ds, 0.5, 1)
			require.NoError(t, err)
			require.NoError(t, datasets.Close(some))
		}
	}
	assert.LessOrEqual(t, open(), before)
}
