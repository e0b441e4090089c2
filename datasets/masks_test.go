package datasets_test

import (
	"bytes"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/icl-msr/icl-msr/datasets"
	"github.com/icl-msr/icl-msr/transforms"
)

// known opens the data sets whose foreground and backgrounds are known.
func known(t *testing.T, correlation float64) map[string]datasets.Backgrounds {
	dir := t.TempDir()
	pictures(t, dir, 10, 20)
	out := map[string]datasets.Backgrounds{}
	for _, name := range []string{"shapes", "confounded"} {
		o := datasets.Options{Name: name, Dir: dir, Train: true, Count: 60, Correlation: correlation, Seed: 2}
		ds, err := datasets.Open(o)
		require.NoError(t, err)
		out[name] = ds.(datasets.Backgrounds)
	}
	return out
}

// Where the mask is full, all variants are alike; where it is empty, the foreground alone is gray; and its box is Box.
func TestMasksAreWhereTheObjectIs(t *testing.T) {
	for name, ds := range known(t, 0.5) {
		for i := range 20 {
			mask, err := datasets.MaskOf(ds, i)
			require.NoError(t, err)
			full, err := ds.Variant(i, datasets.Full)
			require.NoError(t, err)
			alone, err := ds.Variant(i, datasets.ForegroundOnly)
			require.NoError(t, err)
			left, top, right, bottom := 32, 32, -1, -1
			for k, a := range mask.Pix {
				x, y := k%32, k/32
				if a >= 128 {
					left, top, right, bottom = min(left, x), min(top, y), max(right, x), max(bottom, y)
				}
				switch a {
				case 255:
					require.Equal(t, full.Pix[3*k:3*k+3], alone.Pix[3*k:3*k+3], "%s %d", name, i)
				case 0:
					require.Equal(t, []uint8{128, 128, 128}, alone.Pix[3*k:3*k+3], "%s %d", name, i)
				}
			}
			box := transforms.Box{Left: left, Top: top, Width: right - left + 1, Height: bottom - top + 1}
			assert.Equal(t, ds.Box(i), box)
			view, err := datasets.MaskOf(datasets.WithVariant(ds, datasets.NewBackground), i)
			require.NoError(t, err)
			assert.Equal(t, mask, view)
		}
	}
	assert.InDelta(t, 0.75, datasets.Mask{Width: 2, Height: 2, Pix: []uint8{255, 255, 255, 0}}.Share(), 1e-12)
}

func TestMasksOfASubsetAreItsPictures(t *testing.T) {
	ds := known(t, 0.5)["shapes"]
	some, err := datasets.Share(ds, 0.5, 1)
	require.NoError(t, err)
	require.True(t, datasets.HasMasks(some))
	for i := range some.Len() {
		m, err := some.Image(i)
		require.NoError(t, err)
		mask, err := datasets.MaskOf(some, i)
		require.NoError(t, err)
		found := false
		for j := range ds.Len() {
			other, err := ds.Image(j)
			require.NoError(t, err)
			if bytes.Equal(m.Pix, other.Pix) {
				want, err := datasets.MaskOf(ds, j)
				require.NoError(t, err)
				assert.Equal(t, want, mask)
				found = true
			}
		}
		assert.True(t, found)
	}
}

func TestMasksThatAreNotKnown(t *testing.T) {
	dir := t.TempDir()
	pictures(t, dir, 2, 20)
	ds, err := datasets.Open(datasets.Options{Name: "folder", Dir: dir, Train: true})
	require.NoError(t, err)
	assert.False(t, datasets.HasMasks(ds))
	_, err = datasets.MaskOf(ds, 0)
	assert.ErrorContains(t, err, "does not know the foreground")
	_, err = datasets.TwinsOf(ds)
	assert.ErrorContains(t, err, "no twins can be made")
}

// The kind of a background is what the corner shows: its red is the class of the picture behind.
func TestBackgroundKinds(t *testing.T) {
	for _, correlation := range []float64{0, 0.5, 1} {
		w, err := datasets.TwinsOf(known(t, correlation)["confounded"])
		require.NoError(t, err)
		for i := range 60 {
			m, err := w.Pictures.Image(i)
			require.NoError(t, err)
			twin, err := w.Twins.Image(i)
			require.NoError(t, err)
			assert.Equal(t, int(m.Pix[0]), w.Background[i])
			assert.Equal(t, int(twin.Pix[0]), w.TwinBackground[i])
			assert.Equal(t, w.Pictures.Label(i), w.Labels[i])
			if correlation == 1 {
				assert.Equal(t, w.Labels[i], w.Background[i])
			}
		}
	}
}

// Drawn backgrounds of one kind have one hue: kinds tell the border's colour.
func TestDrawnBackgroundKinds(t *testing.T) {
	w, err := datasets.TwinsOf(datasets.WithVariant(known(t, 0.5)["shapes"], datasets.Full))
	require.NoError(t, err)
	hue := func(ds datasets.Dataset, i int) (c [3]float64) {
		m, err := ds.Image(i)
		require.NoError(t, err)
		mask, err := datasets.MaskOf(ds, i)
		require.NoError(t, err)
		n := 0.0
		for k, a := range mask.Pix {
			for j := range c {
				if a == 0 {
					c[j], n = c[j]+float64(m.Pix[3*k+j]), n+1./3
				}
			}
		}
		return [3]float64{c[0] / n, c[1] / n, c[2] / n}
	}
	first := map[int][3]float64{}
	for i := range 60 {
		for _, q := range []struct {
			ds   datasets.Dataset
			kind int
		}{{w.Pictures, w.Background[i]}, {w.Twins, w.TwinBackground[i]}} {
			if q.kind >= 10 { // plain grays differ in lightness
				continue
			}
			c := hue(q.ds, i)
			if _, seen := first[q.kind]; !seen {
				first[q.kind] = c
			}
			for j := range c {
				assert.InDelta(t, first[q.kind][j]-first[q.kind][0], c[j]-c[0], 30, "kind %d", q.kind)
			}
		}
	}
}

func TestMaskOfCOCOIsItsBox(t *testing.T) {
	dir := filepath.Join("testdata", "published")
	ds, err := datasets.Open(datasets.Options{Name: "coco", Dir: filepath.Join(dir, "coco"), Train: true})
	require.NoError(t, err)
	fg := ds.(datasets.Foreground)
	mask, err := datasets.MaskOf(ds, 0)
	require.NoError(t, err)
	box := fg.Box(0)
	assert.InDelta(t, float64(box.Width*box.Height)/float64(len(mask.Pix)), mask.Share(), 1e-12)
	assert.False(t, datasets.HasMasks(datasets.WithVariant(fg, datasets.ForegroundOnly)), "the object is cut out")
}
