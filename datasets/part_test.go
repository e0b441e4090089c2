package datasets

import (
	"bytes"
	"context"
	"image"
	"image/color"
	stdjpeg "image/jpeg"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/icl-msr/icl-msr/internal/jpeg"
	"github.com/icl-msr/icl-msr/transforms"
)

// crops returns ImageNet's pipeline for small views.
func crops(size int) *transforms.Pipeline {
	p := transforms.ImageNet().WithSize(size).View
	return &p
}

// parted hides that a data set is Partial.
type parted struct{ Dataset }

func jpegs(t *testing.T) *files {
	if !jpeg.Available() {
		t.Skip("no libjpeg here")
	}
	paths, err := filepath.Glob("../internal/jpeg/testdata/*.jpg")
	require.NoError(t, err)
	require.Len(t, paths, 6)
	d := newFiles("jpegs", listing{classes: []string{"a", "b"}, paths: paths, labels: make([]int, len(paths))})
	d.cached.Store(cacheBytes) // no room to keep any
	return d
}

func views(t *testing.T, ds Dataset, scaled bool, size int) []float32 {
	l, err := NewLoader(
		ds,
		LoaderOptions{
			BatchSize: ds.Len(),
			Seed:      3,
			Workers:   1,
			Views:     []Augment{crops(size), crops(size)},
			Scaled:    scaled,
		},
	)
	require.NoError(t, err)
	var out []float32
	for epoch := range uint64(6) {
		for b, err := range l.Epoch(context.Background(), epoch, 0) {
			require.NoError(t, err)
			out = append(append(out, b.Views[0]...), b.Views[1]...)
		}
	}
	return out
}

func TestViewsOfPartsAreThoseOfWholePictures(t *testing.T) {
	d := jpegs(t)
	assert.Equal(t, views(t, parted{d}, false, 24), views(t, d, false, 24))
	for i := range d.Len() {
		assert.Nil(t, d.cache.images[i].Load(), "there was no room to keep it")
	}
	d.cached.Store(0)
	assert.Equal(t, views(t, parted{d}, false, 24), views(t, d, false, 24))
	assert.NotNil(t, d.cache.images[4].Load())
}

func TestScaledViewsAreNearAndDoNotDependOnWhatIsKept(t *testing.T) {
	d := jpegs(t)
	full, scaled := views(t, d, false, 10), views(t, d, true, 10)
	require.Len(t, scaled, len(full))
	assert.NotEqual(t, full, scaled, "some are shrunk")
	sum := 0.0
	for i := range full {
		sum += float64(max(full[i]-scaled[i], scaled[i]-full[i]))
	}
	assert.Less(t, sum/float64(len(full)), 0.06, "in deviations: some 3 grey levels")
	d.cached.Store(0)
	for i := range d.Len() {
		_, err := d.Image(i)
		require.NoError(t, err)
	}
	require.NotNil(t, d.cache.images[0].Load())
	assert.Equal(t, scaled, views(t, d, true, 10))
}

func TestDecodePartHoldsWhatIsNeeded(t *testing.T) {
	if !jpeg.Available() {
		t.Skip("no libjpeg here")
	}
	data, err := os.ReadFile("../internal/jpeg/testdata/420.jpg")
	require.NoError(t, err)
	for shrink, want := range map[int]transforms.Box{
		1: {Left: 13, Top: 7, Width: 50, Height: 86},
		2: {Left: 12, Top: 6, Width: 52, Height: 87}, // 93 rows end within a pixel of half the size
		8: {Left: 8, Top: 0, Width: 56, Height: 93},
	} {
		p, err := DecodePart(data, func(width, height int) transforms.Needs {
			assert.Equal(t, [2]int{117, 93}, [2]int{width, height})
			return transforms.Needs{Box: transforms.Box{Left: 13, Top: 7, Width: 50, Height: 86}, Shrink: shrink}
		})
		require.NoError(t, err)
		assert.Equal(t, want, p.Box, "shrunk %d times", shrink)
		require.NoError(t, p.Image.Validate())
		assert.Equal(t, (want.Width+shrink-1)/shrink, p.Image.Width)
		assert.Equal(t, (want.Height+shrink-1)/shrink, p.Image.Height)
	}
}

// Two views of 224 pixels of a JPEG of 2000x1500.
func BenchmarkViewsOfALargeJPEG(b *testing.B) {
	if !jpeg.Available() {
		b.Skip("no libjpeg here")
	}
	m, rng := image.NewRGBA(image.Rect(0, 0, 2000, 1500)), rand.New(rand.NewPCG(1, 1))
	for y := range 1500 {
		for x := range 2000 {
			m.Set(
				x,
				y,
				color.RGBA{uint8(x/8 + rng.IntN(20)), uint8(y/6 + rng.IntN(20)), uint8(x*y/12000 + rng.IntN(20)), 255},
			)
		}
	}
	var data bytes.Buffer
	require.NoError(b, stdjpeg.Encode(&data, m, &stdjpeg.Options{Quality: 90}))
	path := filepath.Join(b.TempDir(), "large.jpg")
	require.NoError(b, os.WriteFile(path, data.Bytes(), 0o600))
	d := newFiles("large", listing{classes: []string{"a", "b"}, paths: []string{path}, labels: []int{0}})
	d.cached.Store(cacheBytes)
	for name, o := range map[string]struct {
		ds     Dataset
		scaled bool
	}{"whole": {parted{d}, false}, "part": {d, false}, "scaled": {d, true}} {
		b.Run(name, func(b *testing.B) {
			l, err := NewLoader(
				o.ds,
				LoaderOptions{BatchSize: 1, Workers: 1, Views: []Augment{crops(224), crops(224)}, Scaled: o.scaled},
			)
			require.NoError(b, err)
			epoch := uint64(0)
			for b.Loop() {
				for _, err := range l.Epoch(context.Background(), epoch, 0) {
					require.NoError(b, err)
				}
				epoch++
			}
		})
	}
}
