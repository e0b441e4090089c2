package datasets_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/icl-msr/icl-msr/datasets"
	"github.com/icl-msr/icl-msr/transforms"
)

func write(t *testing.T, path string, data []byte) {
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
	require.NoError(t, os.WriteFile(path, data, 0o600))
}

// cifarFile is n records in the published format: record i has label i%10 and
// red i, green 100, blue 200.
func cifarFile(n int) []byte {
	var b bytes.Buffer
	for i := range n {
		b.WriteByte(byte(i % 10))
		b.Write(bytes.Repeat([]byte{byte(i)}, 1024))
		b.Write(bytes.Repeat([]byte{100}, 1024))
		b.Write(bytes.Repeat([]byte{200}, 1024))
	}
	return b.Bytes()
}

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

func idx(dims []uint32, data []byte) []byte {
	out := []byte{0, 0, 8, byte(len(dims))}
	for _, d := range dims {
		out = binary.BigEndian.AppendUint32(out, d)
	}
	return append(out, data...)
}

func packed(t *testing.T, data []byte) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, err := z.Write(data)
	require.NoError(t, err)
	require.NoError(t, z.Close())
	return b.Bytes()
}

func fashion(t *testing.T, dir string) {
	pixels := make([]byte, 20*784)
	for i := range pixels {
		if y, x := i%784/28, i%28; y > 6 && y < 22 && x > 6 && x < 22 { // a square garment
			pixels[i] = byte(i / 784 * 10)
		}
	}
	labels := make([]byte, 20)
	for i := range labels {
		labels[i] = byte(i % 10)
	}
	write(t, filepath.Join(dir, "train-images-idx3-ubyte"), idx([]uint32{20, 28, 28}, pixels))
	write(t, filepath.Join(dir, "train-labels-idx1-ubyte"), idx([]uint32{20}, labels))
	write(t, filepath.Join(dir, "t10k-images-idx3-ubyte.gz"), packed(t, idx([]uint32{20, 28, 28}, pixels)))
	write(t, filepath.Join(dir, "t10k-labels-idx1-ubyte.gz"), packed(t, idx([]uint32{20}, labels)))
}

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

// pictures makes DIR/CLASS/i.png, filled with one colour.
func pictures(t *testing.T, dir string, classes, n int) {
	for c := range classes {
		for i := range n {
			m := image.NewRGBA(image.Rect(0, 0, 9, 7))
			for k := range 63 {
				m.Set(k%9, k/9, color.RGBA{uint8(c), uint8(i), 50, 255})
			}
			var b bytes.Buffer
			require.NoError(t, png.Encode(&b, m))
			write(t, filepath.Join(dir, fmt.Sprintf("class%02d", c), fmt.Sprintf("%03d.png", i)), b.Bytes())
		}
	}
}

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

func TestShapesDependOnSeedAndPictureAlone(t *testing.T) {
	open := func(o datasets.Options) datasets.Foreground {
		o.Name, o.Count = "shapes", 200
		ds, err := datasets.Open(o)
		require.NoError(t, err)
		return ds.(datasets.Foreground)
	}
	a, b := open(datasets.Options{Train: true, Correlation: 1}), open(datasets.Options{Train: true, Correlation: 1})
	other, test := open(datasets.Options{Train: true, Correlation: 1, Seed: 1}), open(datasets.Options{Correlation: 1})
	for _, i := range []int{150, 3} {
		x, err := a.Image(i)
		require.NoError(t, err)
		for name, d := range map[string]datasets.Dataset{"same": b, "other seed": other, "test part": test} {
			y, err := d.Image(i)
			require.NoError(t, err)
			assert.Equal(t, name == "same", bytes.Equal(x.Pix, y.Pix), name)
		}
	}
	// Inside of the box the foreground is the same in every variant; outside, all is new.
	for i := range 20 {
		box := a.Box(i)
		full, _ := a.Variant(i, datasets.Full)
		alone, err := a.Variant(i, datasets.ForegroundOnly)
		require.NoError(t, err)
		assert.True(t, box.Width >= 5 && box.Height >= 5 && box.Left+box.Width <= 32 && box.Top+box.Height <= 32)
		if box.Left > 1 && box.Top > 1 {
			assert.Equal(t, []uint8{128, 128, 128}, alone.Pix[:3])
		}
		same := 0
		for k := range 32 * 32 {
			if bytes.Equal(full.Pix[3*k:3*k+3], alone.Pix[3*k:3*k+3]) {
				same++
			}
		}
		assert.Greater(t, same, 40, "the object's own pixels")
	}
}

// backgroundHelps trains a nearest-mean classifier on the mean colour of the
// picture's border and returns its accuracy on other pictures.
func backgroundHelps(t *testing.T, correlation float64) float64 {
	ds, err := datasets.Open(datasets.Options{Name: "shapes", Train: true, Count: 3000, Correlation: correlation})
	require.NoError(t, err)
	colour := func(i int) (c [3]float64) {
		m, err := ds.Image(i)
		require.NoError(t, err)
		for k := range 32 {
			for j := range c {
				c[j] += float64(m.Pix[3*k+j]) + float64(m.Pix[3*(31*32+k)+j])
			}
		}
		return c
	}
	var means [10][3]float64
	for i := range 1500 {
		for j, v := range colour(i) {
			means[ds.Label(i)][j] += v / 150
		}
	}
	right := 0.0
	for i := 1500; i < 3000; i++ {
		best, at := 1e300, 0
		for l, m := range means {
			d := 0.0
			for j, v := range colour(i) {
				d += (v - m[j]) * (v - m[j])
			}
			if d < best {
				best, at = d, l
			}
		}
		if at == ds.Label(i) {
			right++
		}
	}
	return right / 1500
}

func TestBackgroundTellsTheClassOnlyWhenCorrelated(t *testing.T) {
	independent, correlated := backgroundHelps(t, 0), backgroundHelps(t, 1)
	assert.InDelta(t, 0.1, independent, 0.04)
	assert.Greater(t, correlated, 0.3)
}

func TestConfounded(t *testing.T) {
	dir := t.TempDir()
	fashion(t, filepath.Join(dir, "garments"))
	pictures(t, filepath.Join(dir, "places"), 10, 20)
	for _, fg := range []string{"", filepath.Join(dir, "garments")} {
		ds, err := datasets.Open(datasets.Options{Name: "confounded", Dir: filepath.Join(dir, "places"), Train: true, Foreground: fg, Correlation: 1})
		require.NoError(t, err)
		for i := range 10 {
			m, err := ds.Image(i + 10)
			require.NoError(t, err)
			// The corner shows the background, whose red is its class's number.
			assert.Equal(t, uint8(ds.Label(i+10)), m.Pix[0], "%q picture %d", fg, i)
		}
	}
}

func loader(t *testing.T, ds datasets.Dataset, workers int) *datasets.Loader {
	p := transforms.CIFAR()
	l, err := datasets.NewLoader(ds, datasets.LoaderOptions{BatchSize: 7, Shuffle: true, DropLast: true, Seed: 3, Workers: workers, Size: 32,
		Views: []datasets.Augment{&p.View, &p.View}, Plain: &p.Plain})
	require.NoError(t, err)
	return l
}

type kept struct {
	indices []int
	labels  []int64
	view    []float32
}

func collect(t *testing.T, l *datasets.Loader, epoch uint64, from int) (out []kept) {
	for b, err := range l.Epoch(context.Background(), epoch, from) {
		require.NoError(t, err)
		out = append(out, kept{append([]int{}, b.Indices...), append([]int64{}, b.Labels...), append(append([]float32{}, b.Views[1]...), b.Plain...)})
	}
	return out
}

func TestLoaderIsTheSameForAnyWorkersAndFromTheMiddle(t *testing.T) {
	ds, err := datasets.Open(datasets.Options{Name: "shapes", Train: true, Count: 60})
	require.NoError(t, err)
	one, four := loader(t, ds, 1), loader(t, ds, 4)
	want := collect(t, one, 5, 0)
	require.Len(t, want, 8)
	assert.Equal(t, want, collect(t, four, 5, 0))
	assert.Equal(t, want[3:], collect(t, four, 5, 3))
	assert.NotEqual(t, want[0].indices, collect(t, one, 6, 0)[0].indices)
	seen := map[int]bool{}
	for _, k := range want {
		for j, i := range k.indices {
			assert.False(t, seen[i])
			seen[i] = true
			assert.Equal(t, int64(ds.Label(i)), k.labels[j])
		}
	}
	assert.Len(t, seen, 56)
}

func TestLoaderStopsCleanly(t *testing.T) {
	ds, err := datasets.Open(datasets.Options{Name: "shapes", Train: true, Count: 500})
	require.NoError(t, err)
	l := loader(t, ds, 4)
	before := runtime.NumGoroutine()
	for range l.Epoch(context.Background(), 0, 0) {
		break
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	n := 0
	for b, err := range l.Epoch(ctx, 0, 0) {
		if n++; n == 2 {
			cancel()
		}
		if err != nil {
			assert.ErrorIs(t, err, context.Canceled)
			assert.Nil(t, b)
		}
	}
	assert.LessOrEqual(t, n, 4)
	assert.Equal(t, before, runtime.NumGoroutine(), "the epoch waits for its goroutines")
}

type broken struct{ datasets.Dataset }

func (b broken) Image(i int) (transforms.Image, error) {
	if i == 13 {
		return transforms.Image{}, fmt.Errorf("scratched")
	}
	return b.Dataset.Image(i)
}

func TestLoaderNamesABadPicture(t *testing.T) {
	ds, err := datasets.Open(datasets.Options{Name: "shapes", Train: true, Count: 56})
	require.NoError(t, err)
	var errs []error
	for _, err := range loader(t, broken{ds}, 3).Epoch(context.Background(), 0, 0) {
		if err != nil {
			errs = append(errs, err)
		}
	}
	require.Len(t, errs, 1)
	assert.ErrorContains(t, errs[0], "picture 13 of shapes train: scratched")
	_, err = datasets.NewLoader(ds, datasets.LoaderOptions{BatchSize: 57, DropLast: true})
	assert.ErrorContains(t, err, "--batch-size 57 is larger than the 56 pictures of shapes train; use 56 or less")
}

func TestUnknownDataset(t *testing.T) {
	_, err := datasets.Open(datasets.Options{Name: "cifar"})
	assert.ErrorContains(t, err, `did you mean "cifar10"`)
	_, err = datasets.Open(datasets.Options{Name: "shapes", Correlation: 2})
	assert.ErrorContains(t, err, "--correlation 2")
}

func ExampleOpen() {
	ds, err := datasets.Open(datasets.Options{Name: "shapes", Train: true, Count: 100, Correlation: 0.5})
	if err != nil {
		panic(err)
	}
	fmt.Println(ds.Len(), ds.Classes()[ds.Label(4)])
	// Output: 100 star
}
