package datasets_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/icl-msr/icl-msr/datasets"
)

// tree writes files that all have the same picture. A name that ends in / is a folder. NAME->TARGET is a
// link.
func tree(t *testing.T, dir string, names ...string) {
	one, err := os.ReadFile("testdata/decode/rgb.png")
	require.NoError(t, err)
	for _, name := range names {
		path, to, link := strings.Cut(name, "->")
		full := filepath.Join(dir, path)
		require.NoError(t, os.MkdirAll(filepath.Dir(full), 0o755))
		switch {
		case link:
			require.NoError(t, os.Symlink(to, full))
		case strings.HasSuffix(name, "/"):
			require.NoError(t, os.MkdirAll(full, 0o755))
		default:
			write(t, full, one)
		}
	}
}

// names returns the paths of a data set's pictures relative to dir, in order.
func names(t *testing.T, ds datasets.Dataset, dir string) (out []string) {
	for i := range ds.Len() {
		rel, err := filepath.Rel(dir, datasets.PictureName(ds, i))
		require.NoError(t, err)
		out = append(out, filepath.ToSlash(rel))
	}
	return out
}

func openNamed(t *testing.T, name, dir string, train bool) datasets.Dataset {
	ds, err := datasets.Open(datasets.Options{Name: name, Dir: dir, Train: train})
	require.NoError(t, err)
	return ds
}

// The order is torchvision's: the pictures of a folder come before those of its subfolders, which are
// sorted by path.
func TestPicturesAtAnyDepth(t *testing.T) {
	dir := t.TempDir()
	a := []string{"a/z.jpg", "a/2024/b.JPG", "a/2024/c.webp", "a/2024/deep/er/d.jfif", "a/2024-old/e.jpe"}
	b := []string{
		"b/only/below/f.bmp",
		"b/only/below/g.tif",
		"b/only/below/h.tiff",
		"b/only/below/i.gif",
		"b/only/below/j.jpeg",
	}
	sorted := []string{
		"a/z.jpg",
		"a/2024/b.JPG",
		"a/2024/c.webp",
		"a/2024-old/e.jpe",
		"a/2024/deep/er/d.jfif",
	} // '-' is before '/'
	for _, part := range []string{"train", "test", "val"} {
		tree(t, filepath.Join(dir, part), slices.Concat(a, b)...)
	}
	for _, name := range []string{"folder", "imagenet"} {
		for _, train := range []bool{true, false} {
			ds := openNamed(t, name, dir, train)
			part := map[bool]string{
				true:  "train",
				false: map[string]string{"folder": "test", "imagenet": "val"}[name],
			}[train]
			got := names(t, ds, filepath.Join(dir, part))
			assert.Equal(t, slices.Concat(sorted, b), got, "%s %s", name, part)
			assert.Equal(t, []int{5, 5}, datasets.Counts(ds))
			m, err := ds.Image(8)
			require.NoError(t, err, "a PNG by another name")
			assert.Equal(t, []uint8{10, 15, 20}, m.Pix[:3])
		}
	}
	for _, train := range []bool{true, false} {
		tiny := t.TempDir()
		tree(
			t,
			tiny,
			"train/n0/images/0.JPEG",
			"train/n0/images/more/1.JPEG",
			"train/n0/n0_boxes.txt",
			"train/n1/0.JPEG",
			"train/n1/x/1.JPEG",
			"val/images/0.JPEG",
			"val/images/x/1.JPEG",
		)
		write(t, filepath.Join(tiny, "val", "val_annotations.txt"), []byte("0.JPEG\tn1\n1.JPEG\tn0\n"))
		ds := openNamed(t, "tiny_imagenet", tiny, train)
		assert.Equal(t, map[bool][]int{true: {0, 0, 1, 1}, false: {1, 0}}[train], labels(ds))
		assert.Empty(t, datasets.Notes(ds))
	}
	all := openNamed(t, "unlabelled", filepath.Join(dir, "train"), true)
	assert.Equal(t, 10, all.Len())
	assert.True(t, slices.IsSorted(names(t, all, dir)))
}

func TestOtherFilesAreCountedOrJunk(t *testing.T) {
	dir := t.TempDir()
	tree(
		t,
		dir,
		"a/0.jpg",
		"b/0.jpg",
		"a/x.heic",
		"a/deep/y.HEIC",
		"a/list.txt",
		"b/README",
		"c/x.heic",
		"c/y.avif",
		"d/",
		"notes.txt",
		"loose.jpg",
		"a/._0.jpg",
		"a/.DS_Store",
		"a/Thumbs.db",
		"a/@eaDir/0.jpg/SYNOPHOTO_THUMB_M.jpg",
		"a/thumbnails/0.jpg",
		"__MACOSX/a/._0.jpg",
		"__MACOSX/a/1.jpg",
		"@eaDir/0.jpg",
		".cache/0.jpg",
		"a/.thumb/0.jpg",
	)
	ds := openNamed(t, "folder", dir, true)
	assert.Equal(t, []string{"a", "b"}, ds.Classes())
	assert.Equal(t, []int{1, 1}, datasets.Counts(ds))
	assert.Equal(t, []string{
		dir + " has no train and test: every tenth picture of a class is for testing, the others for training",
		dir + ": not classes, since they hold no pictures that can be read: c (1 .avif, 1 .heic), d (no files)",
		dir + ": 1 loose pictures have no class and are not read",
		dir + ": not read, since these are not PNG, JPEG, WebP, TIFF, BMP or GIF: " +
			"3 .heic, 2 .txt, 1 .avif, 1 without an ending",
	}, datasets.Notes(ds))
	all := openNamed(t, "unlabelled", dir, true)
	assert.Equal(t, []string{"a/0.jpg", "b/0.jpg", "loose.jpg"}, names(t, all, dir))
	assert.Equal(
		t,
		[]string{
			dir + ": not read, since these are not PNG, JPEG, WebP, TIFF, BMP or GIF: " +
				"3 .heic, 2 .txt, 1 .avif, 1 without an ending",
		},
		datasets.Notes(all),
	)
	named, err := datasets.Pictures([]string{dir})
	require.NoError(t, err)
	assert.Equal(t, datasets.Notes(all), datasets.Notes(named))
	for _, name := range []string{"no/such/folder", "a/mistyped.jpg"} {
		_, err = datasets.Pictures([]string{filepath.Join(dir, "a", "0.jpg"), filepath.Join(dir, name)})
		assert.ErrorContains(t, err, "no such file or directory")
	}
}

func TestLinksToFolders(t *testing.T) {
	dir, elsewhere := t.TempDir(), t.TempDir()
	tree(
		t,
		elsewhere,
		"c/0.jpg",
		"c/more/1.jpg",
		"other/2.jpg",
		"circle/3.jpg",
		"circle/back->..",
		"circle/self->../circle",
	)
	tree(
		t,
		dir,
		"a/0.jpg",
		"a/up->..",
		"a/here->.",
		"b/0.jpg",
		"b/sub/1.jpg",
		"b/latest->sub",
		"b/out->"+filepath.Join(elsewhere, "other"),
		"b/again->"+filepath.Join(elsewhere, "other"),
		"c->"+filepath.Join(
			elsewhere,
			"c",
		),
		"d->"+filepath.Join(elsewhere, "circle"),
		"b/.hidden/9.jpg",
		"b/shown->.hidden",
	)
	ds := openNamed(t, "folder", dir, true)
	assert.Equal(
		t,
		[]string{
			"a/0.jpg",
			"b/0.jpg",
			"b/again/2.jpg",
			"b/shown/9.jpg",
			"b/sub/1.jpg",
			"c/0.jpg",
			"c/more/1.jpg",
			"d/3.jpg",
		},
		names(t, ds, dir),
	)
	assert.Contains(
		t,
		datasets.Notes(ds),
		dir+": not followed, since they lead to a folder above: a/here, a/up, d/back, d/self",
	)

	real, err := filepath.EvalSymlinks(dir)
	require.NoError(t, err)
	for _, root := range []string{dir, filepath.Join(t.TempDir(), "link")} {
		if root != dir {
			require.NoError(t, os.Symlink(dir, root))
		}
		all := openNamed(t, "unlabelled", root, true)
		assert.Equal(
			t,
			[]string{
				"a/0.jpg",
				"b/0.jpg",
				"b/again/2.jpg",
				"b/shown/9.jpg",
				"b/sub/1.jpg",
				"c/0.jpg",
				"c/more/1.jpg",
				"d/3.jpg",
			},
			names(t, all, real),
		)
	}
}

// Opening a pipe would wait forever.
func TestPipesAreNotOpened(t *testing.T) {
	dir := t.TempDir()
	tree(t, dir, "train/a/0.jpg", "train/b/0.jpg", "train/b/null.jpg->/dev/null", "train/b/gone.jpg->nowhere.jpg")
	pipe := filepath.Join(dir, "train", "a", "1.jpg")
	require.NoError(t, syscall.Mkfifo(pipe, 0o600))
	done := make(chan struct{})
	go func() {
		defer close(done)
		ds := openNamed(t, "folder", dir, true)
		assert.Equal(t, []string{"train/a/0.jpg", "train/b/0.jpg", "train/b/gone.jpg"}, names(t, ds, dir))
		assert.Equal(
			t,
			[]string{filepath.Join(dir, "train") + ": not opened, since they are pipes, sockets or devices: 2"},
			datasets.Notes(ds),
		)
		assert.Equal(t, 3, openNamed(t, "unlabelled", dir, true).Len())
		_, err := datasets.Pictures([]string{pipe})
		assert.ErrorContains(t, err, pipe+" is a pipe, a socket or a device; want a file")
		_, err = ds.Image(2)
		assert.ErrorContains(t, err, "gone.jpg: no such file")
		zero := filepath.Join(dir, "train", "a", "0.jpg") // becomes a pipe after it was listed
		require.NoError(t, os.Remove(zero))
		require.NoError(t, syscall.Mkfifo(zero, 0o600))
		_, err = ds.Image(0)
		assert.ErrorContains(t, err, "is a pipe")
		assert.Equal(t, "cannot be read", datasets.Digests(ds)[0].String())
	}()
	select {
	case <-done:
	case <-time.After(20 * time.Second):
		t.Fatal("waits for a pipe")
	}
}
