package datasets_test

import (
	"archive/tar"
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/icl-msr/icl-msr/datasets"
	"github.com/icl-msr/icl-msr/transforms"
)

// published opens a data set of testdata/published. testdata/make_published.py wrote the files in the
// published formats.
func published(t *testing.T, name, dir string, change func(o *datasets.Options)) datasets.Dataset {
	o := datasets.Options{Name: name, Dir: filepath.Join("testdata", "published", dir), Train: true}
	if change != nil {
		change(&o)
	}
	ds, err := datasets.Open(o)
	require.NoError(t, err)
	return ds
}

func testing_(o *datasets.Options) { o.Train = false }

func labels(ds datasets.Dataset) (out []int) {
	for i := range ds.Len() {
		out = append(out, ds.Label(i))
	}
	return out
}

// near checks that picture i has the colour of number k.
func near(t *testing.T, ds datasets.Dataset, i, k int) {
	m, err := ds.Image(i)
	require.NoError(t, err)
	require.NoError(t, m.Validate())
	for c, v := range []int{10 * k % 256, 100, 200 - k} {
		assert.InDelta(t, v, int(m.Pix[3*(m.Width+1)+c]), 3, "picture %d, channel %d", i, c)
	}
}

func TestCIFARsBothVersions(t *testing.T) {
	for _, dir := range []string{"cifar-10-batches-py", "cifar-10-batches-bin"} {
		train, test := published(t, "cifar10", dir, nil), published(t, "cifar10", dir, testing_)
		assert.Equal(t, []int{0, 9, 1, 8, 2, 7, 3, 6, 4, 5}, labels(train), dir)
		assert.Equal(t, []int{5, 4}, labels(test))
		assert.Equal(t, "truck", train.Classes()[9])
		m, err := train.Image(7)
		require.NoError(t, err)
		assert.Equal(t, []uint8{70, 3, 9}, m.Pix[3*(3*32+9):][:3], "row 3, column 9 of picture 7")
	}
	for _, dir := range []string{"cifar-100-python", "cifar-100-binary"} {
		ds := published(t, "cifar100", dir, nil)
		assert.Equal(t, []int{99, 7}, labels(ds))
		assert.Equal(t, "fine99", ds.Classes()[99])
		m, err := ds.Image(1)
		require.NoError(t, err)
		assert.Equal(t, []uint8{40, 31, 30}, m.Pix[3*(31*32+30):][:3])
	}
	assert.Equal(t, 10, published(t, "cifar10", "", nil).Len(), "the folder that the archives were unpacked in")
}

func TestSTL10(t *testing.T) {
	ds := published(t, "stl10", "", nil)
	assert.Equal(t, []int{0, 9}, labels(ds))
	m, err := ds.Image(1)
	require.NoError(t, err)
	assert.Equal(t, []uint8{2, 90, 5}, m.Pix[3*(90*96+5):][:3], "row 90, column 5: the file has columns first")
	assert.Equal(t, []int{3}, labels(published(t, "stl10", "stl10_binary", testing_)))
	all := published(t, "stl10", "", func(o *datasets.Options) { o.Unlabelled = true })
	assert.Equal(t, []int{0, 9, -1, -1}, labels(all))
	assert.Equal(t, 1, datasets.Counts(all)[9])
	m, err = all.Image(3)
	require.NoError(t, err)
	assert.Equal(t, uint8(6), m.Pix[0])
}

func TestTinyImageNet(t *testing.T) {
	train, test := published(t, "tiny_imagenet", "", nil), published(t, "tiny_imagenet", "tiny-imagenet-200", testing_)
	assert.Equal(t, []string{"n01443537", "n01629819"}, train.Classes())
	assert.Equal(t, []int{0, 0, 1, 1}, labels(train))
	near(t, train, 3, 11)
	assert.Equal(t, []int{1, 1, 0}, labels(test), "by name, not by the lines' order")
	near(t, test, 2, 22)
}

func TestImageNetAndSomeOfItsClasses(t *testing.T) {
	train := published(t, "imagenet", "imagenet", nil)
	assert.Equal(t, []int{0, 0, 1, 1, 2, 2}, labels(train))
	near(t, train, 5, 21)
	for _, list := range []string{"", "numbers.txt", "synsets.txt"} {
		test := published(t, "imagenet", "imagenet", func(o *datasets.Options) {
			o.Train = false
			if list != "" {
				o.Labels = filepath.Join(o.Dir, list)
			}
		})
		assert.Equal(t, []int{2, 0, 1}, labels(test), list)
		near(t, test, 0, 30)
	}
	list := filepath.Join(t.TempDir(), "imagenet-2.txt")
	write(t, list, []byte("# two of them\nn01484850 great white shark\nn01440764 tench\n"))
	classes, err := datasets.ParseClasses(list)
	require.NoError(t, err)
	some := func(o *datasets.Options) { o.Classes = classes }
	train = published(t, "imagenet", "imagenet", some)
	assert.Equal(t, []string{"n01440764", "n01484850"}, train.Classes())
	assert.Equal(t, []int{0, 0, 1, 1}, labels(train))
	near(t, train, 2, 20)
	test := published(t, "imagenet", "imagenet", func(o *datasets.Options) { some(o); o.Train = false })
	assert.Equal(t, []int{1, 0}, labels(test))
	near(t, test, 1, 31)
}

func TestCOCOHasPicturesWithOneObjectAndTheirVariants(t *testing.T) {
	ds := published(t, "coco", "coco", nil).(datasets.Foreground)
	assert.Equal(t, []int{29, 9, 18}, labels(ds), "one object only, in the paper's numbering")
	assert.Len(t, ds.Classes(), 30)
	box := transforms.Box{Left: 10, Top: 5, Width: 20, Height: 20}
	assert.Equal(t, box, ds.Box(0))
	at := func(m transforms.Image, x, y int) []int {
		p := m.Pix[3*(y*m.Width+x):]
		return []int{int(p[0]), int(p[1]), int(p[2])}
	}
	close := func(want []int, got []int) {
		for c := range want {
			assert.InDelta(t, want[c], got[c], 12)
		}
	}
	red, blue := []int{200, 0, 0}, []int{0, 0, 200}
	for _, v := range datasets.Variants(ds) {
		m, err := ds.Variant(1, v)
		require.NoError(t, err)
		switch v {
		case datasets.Full:
			close(blue, at(m, 2, 2))
			close(red, at(m, 20, 15))
		case datasets.ForegroundOnly:
			assert.Equal(t, []int{20, 20}, []int{m.Width, m.Height})
			close(red, at(m, 10, 10))
		case datasets.Removed:
			close([]int{128, 128, 128}, at(m, 2, 2))
			close(red, at(m, 20, 15))
		case datasets.NewBackground:
			assert.Equal(t, []int{40, 30}, []int{m.Width, m.Height})
			close(red, at(m, 20, 15))
		}
	}
}

func TestUnlabelled(t *testing.T) {
	ds := published(t, "unlabelled", "imagenet", nil)
	assert.Equal(t, 9, ds.Len())
	assert.Equal(t, -1, ds.Label(8))
	assert.Empty(t, datasets.Counts(ds))
	_, err := datasets.Open(datasets.Options{Name: "unlabelled", Dir: "testdata"})
	assert.ErrorContains(t, err, "no labels to test with")
	_, err = datasets.Open(datasets.Options{Name: "unlabelled", Dir: t.TempDir(), Train: true})
	assert.ErrorContains(t, err, "has no pictures in it or below (no files)")
}

func TestShards(t *testing.T) {
	ds := published(t, "shards", "shards", nil)
	assert.Equal(t, []string{"0", "2", "10"}, ds.Classes(), "numbers by value")
	assert.Equal(t, []int{1, 2, 1, 0}, labels(ds), ".cls and .json")
	for i, k := range []int{0, 1, 4, 5} {
		near(t, ds, i, k)
	}
	ds = published(t, "shards", "shards", func(o *datasets.Options) { o.Classes = []string{"2"} })
	require.Equal(t, 2, ds.Len())
	near(t, ds, 1, 4)
	ds = published(t, "shards", "shards-folders", nil)
	assert.Equal(t, []string{"cats", "dogs"}, ds.Classes())
	assert.Equal(t, []int{0, 1, 1}, labels(ds))
	near(t, ds, 2, 2)
}

// copyOf copies a folder of testdata/published, to be damaged.
func copyOf(t *testing.T, dir string) string {
	to := t.TempDir()
	require.NoError(t, os.CopyFS(to, os.DirFS(filepath.Join("testdata", "published", dir))))
	return to
}

func TestDamagedDataSets(t *testing.T) {
	replace := func(path, old, new string) func(t *testing.T, dir string) {
		return func(t *testing.T, dir string) {
			p := filepath.Join(dir, path)
			data, err := os.ReadFile(p)
			require.NoError(t, err)
			require.True(t, old == "" || bytes.Contains(data, []byte(old)), "%q is not in %s", old, path)
			if old == "" {
				data = data[:len(data)/2]
			} else {
				data = bytes.Replace(data, []byte(old), []byte(new), 1)
			}
			require.NoError(t, os.WriteFile(p, data, 0o600))
		}
	}
	cut := func(path string, n int64) func(t *testing.T, dir string) {
		return func(t *testing.T, dir string) { require.NoError(t, os.Truncate(filepath.Join(dir, path), n)) }
	}
	remove := func(path string) func(t *testing.T, dir string) {
		return func(t *testing.T, dir string) { require.NoError(t, os.RemoveAll(filepath.Join(dir, path))) }
	}
	for i, c := range []struct {
		name, dir string
		damage    func(t *testing.T, dir string)
		test      bool
		want      string
	}{
		{"cifar10", "cifar-10-batches-py", replace("data_batch_3", "", ""), false, "data_batch_3: pickle at offset"},
		{
			"cifar10",
			"cifar-10-batches-py",
			replace("data_batch_1", "cnumpy.core.multiarray\n_reconstruct", "cos\nsystem"),
			false,
			"names os.system, which is not allowed",
		},
		{"cifar10", "cifar-10-batches-py", replace("data_batch_1", "u1", "f8"), false, "want bytes (u1)"},
		{
			"cifar10",
			"cifar-10-batches-py",
			replace("data_batch_1", "labels", "tables"),
			false,
			"no entries data and labels",
		},
		{
			"cifar10",
			"cifar-10-batches-py",
			replace("data_batch_1", "K\x02M\x00\x0c", "K\x03M\x00\x0c"),
			false,
			"an array of shape [3 3072] with 6144 bytes",
		},
		{"cifar10", "cifar-10-batches-py", remove("data_batch_2"), false, "data_batch_2: no such file"},
		{"cifar10", "cifar-100-python", remove("nothing"), false, "neither data_batch_1.bin nor data_batch_1 is in"},
		{
			"cifar100",
			"cifar-100-binary",
			replace("train.bin", "\x01\x63", "\x01\x64"),
			false,
			"label 100 at offset 1; want 0 to 99",
		},
		{
			"cifar100",
			"cifar-100-binary",
			replace("fine_label_names.txt", "fine7\n", ""),
			false,
			"has 99 names; want 100",
		},
		{"stl10", "stl10_binary", replace("train_X.bin", "", ""), false, ""},
		{"stl10", "stl10_binary", replace("train_y.bin", "\x0a", "\x0b"), false, "label 11 at offset 1; want 1 to 10"},
		{"stl10", "stl10_binary", remove("train_y.bin"), false, "train_y.bin: no such file"},
		{
			"tiny_imagenet",
			"tiny-imagenet-200",
			replace("val/val_annotations.txt", "val_0.JPEG\tn01629819", "val_9.JPEG\tn01629819"),
			true,
			"no label for val_0.JPEG",
		},
		{
			"tiny_imagenet",
			"tiny-imagenet-200",
			replace("val/val_annotations.txt", "n01629819", "n09999999"),
			true,
			`line 1: "n09999999" is neither a training class nor a number below 2`,
		},
		{"imagenet", "imagenet", remove("LOC_val_solution.csv"), true, "name the list of their labels by Labels FILE"},
		{"imagenet", "imagenet", remove("train"), false, "train: no such file"},
		{
			"coco",
			"coco",
			replace("annotations/instances_train2017.json", "000000000000.jpg", "../../../passwd0"),
			false,
			"outside of the folder",
		},
		{
			"coco",
			"coco",
			replace("annotations/instances_train2017.json", "\"zebra\"", "\"zebu\""),
			false,
			"29 of the paper's 30 categories",
		},
		{"coco", "coco", replace("annotations/instances_train2017.json", "", ""), false, "instances_train2017.json: "},
		{"coco", "coco", remove("annotations"), false, "unpack COCO's annotations there"},
		{"shards", "shards", cut("train-000.tar", 700), false, "truncated: ./sample0.jpg has"},
		{
			"shards",
			"shards",
			replace("train-001.tar", "\"label\": 0", "\"table\": 0"),
			false,
			"sample1.jpg has no label",
		},
		{"shards", "shards", remove("nothing"), true, "has no val/*.tar, nor *val*.tar"},
	} {
		t.Run(fmt.Sprint(i, " ", c.name), func(t *testing.T) {
			dir := copyOf(t, c.dir)
			c.damage(t, dir)
			_, err := datasets.Open(datasets.Options{Name: c.name, Dir: dir, Train: !c.test})
			if c.want == "" { // half of two pictures is a picture
				assert.ErrorContains(t, err, "has 2 labels for 1 pictures")
				return
			}
			require.ErrorContains(t, err, c.want)
			assert.NotContains(t, err.Error(), "\n")
		})
	}
}

func TestTheDeclaredSizeOfATarMemberIsNotTrusted(t *testing.T) {
	dir := t.TempDir()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	require.NoError(t, w.WriteHeader(&tar.Header{Name: "a.jpg", Size: 1 << 40, Typeflag: tar.TypeReg, Mode: 0o600}))
	write(t, filepath.Join(dir, "train.tar"), append(b.Bytes(), make([]byte, 2048)...))
	_, err := datasets.Open(datasets.Options{Name: "shards", Dir: dir, Train: true})
	assert.ErrorContains(t, err, "truncated: a.jpg has 1099511627776 bytes")
}

func TestUnknownClasses(t *testing.T) {
	for want, classes := range map[string][]string{
		"no class n0 among the 3 here": {"n01440764", "n0"},
		"n01440764 twice":              {"n01440764", "n01440764"},
	} {
		_, err := datasets.Open(
			datasets.Options{Name: "imagenet", Dir: "testdata/published/imagenet", Train: true, Classes: classes},
		)
		assert.ErrorContains(t, err, want)
	}
	classes, err := datasets.ParseClasses("cats,dogs")
	assert.NoError(t, err)
	assert.Equal(t, "cats dogs", strings.Join(classes, " "))
	classes, err = datasets.ParseClasses(datasets.ImageNet100)
	assert.NoError(t, err)
	assert.Len(t, classes, 100)
	assert.True(t, slices.IsSorted(classes))
	for _, c := range classes {
		assert.Regexp(t, `^n\d{8}$`, c)
	}
}
