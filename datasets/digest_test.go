package datasets

import (
	"archive/tar"
	"bytes"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Equal content has equal digests, in files and in tar members. A changed file and an unreadable one have
// other digests.
func TestDigestsTellFilesApart(t *testing.T) {
	var picture bytes.Buffer
	require.NoError(t, png.Encode(&picture, image.NewGray(image.Rect(0, 0, 16, 16))))
	dir := t.TempDir()
	var archive bytes.Buffer
	w := tar.NewWriter(&archive)
	for _, class := range []string{"a", "b"} {
		for _, name := range []string{"0.png", "1.png"} {
			path := filepath.Join(dir, "train", class, name)
			require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
			require.NoError(t, os.WriteFile(path, picture.Bytes(), 0o644))
			require.NoError(
				t,
				w.WriteHeader(
					&tar.Header{
						Name:     class + "/" + name,
						Mode:     0o644,
						Size:     int64(picture.Len()),
						Typeflag: tar.TypeReg,
					},
				),
			)
			_, err := w.Write(picture.Bytes())
			require.NoError(t, err)
		}
	}
	require.NoError(t, w.Close())
	require.NoError(t, os.WriteFile(filepath.Join(dir, "train.tar"), archive.Bytes(), 0o644))
	open := func(name string) Dataset {
		ds, err := Open(Options{Name: name, Dir: dir, Train: true})
		require.NoError(t, err)
		return ds
	}
	folder := open("folder")
	all := Digests(folder)
	require.Len(t, all, 4)
	assert.Equal(t, int64(picture.Len()), all[3].Bytes)
	assert.Equal(t, []Digest{all[0], all[0], all[0], all[0]}, all)
	assert.Equal(t, all, Digests(open("shards")))
	assert.Equal(t, "1.png of class b", Title(folder, 3))

	changed := bytes.Clone(picture.Bytes())
	changed[len(changed)-1]++
	require.NoError(t, os.WriteFile(filepath.Join(dir, "train", "a", "1.png"), changed, 0o644))
	require.NoError(t, os.Remove(filepath.Join(dir, "train", "b", "0.png")))
	now := Digests(folder) // as listed before
	assert.Equal(t, all[1].Bytes, now[1].Bytes)
	assert.NotEqual(t, all[1].Sum, now[1].Sum)
	assert.Equal(t, "cannot be read", now[2].String())
	assert.Equal(t, all[3], now[3])
}

func TestDigestsOfPixels(t *testing.T) {
	draw := func(seed uint64) []Digest {
		ds, err := Open(Options{Name: "shapes", Train: true, Count: 200, Size: 8, Seed: seed})
		require.NoError(t, err)
		return Digests(ds)
	}
	a, b, other := draw(1), draw(1), draw(2)
	assert.Equal(t, a, b)
	looked := 0
	for i := range a {
		if a[i].Bytes != 0 {
			looked++
			assert.Equal(t, int64(3*8*8), a[i].Bytes)
			assert.NotEqual(t, a[i], other[i])
		}
	}
	assert.Equal(t, 50, looked, "every fourth")
}
