package datasets_test

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/icl-msr/icl-msr/datasets"
)

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
		for name, d := range map[string]datasets.Dataset{"same": b, "other seed": other, "test split": test} {
			y, err := d.Image(i)
			require.NoError(t, err)
			assert.Equal(t, name == "same", bytes.Equal(x.Pix, y.Pix), name)
		}
	}
	// Object pixels are the same in each variant. Other pixels differ.
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

// borderAccuracy trains a nearest-mean classifier on the border colours of the first half of the pictures.
// It returns the accuracy on the second half.
func borderAccuracy(t *testing.T, ds datasets.Dataset) float64 {
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
		best, at, mine := 1e300, 0, colour(i)
		for l, m := range means {
			d := 0.0
			for j, v := range mine {
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
	open := func(correlation float64) datasets.Dataset {
		ds, err := datasets.Open(datasets.Options{Name: "shapes", Train: true, Count: 3000, Correlation: correlation})
		require.NoError(t, err)
		return ds
	}
	independent, half, full := borderAccuracy(t, open(0)), borderAccuracy(t, open(0.5)), borderAccuracy(t, open(1))
	assert.InDelta(t, 0.1, independent, 0.04)
	assert.Greater(t, half, 0.2)
	assert.Greater(t, full, half+0.1)
}

func TestNewBackgroundIsIndependentOfTheClass(t *testing.T) {
	ds, err := datasets.Open(datasets.Options{Name: "shapes", Train: true, Count: 3000, Correlation: 1})
	require.NoError(t, err)
	fresh := datasets.WithVariant(ds.(datasets.Foreground), datasets.NewBackground)
	assert.InDelta(t, 0.1, borderAccuracy(t, fresh), 0.04)
}

func TestShapesBox(t *testing.T) {
	ds, err := datasets.Open(datasets.Options{Name: "shapes", Count: 300, Size: 48})
	require.NoError(t, err)
	fg := ds.(datasets.Foreground)
	for i := range 300 {
		m, err := fg.Variant(i, datasets.ForegroundOnly)
		require.NoError(t, err)
		b := fg.Box(i)
		shown := func(x, y int) bool { return !bytes.Equal(m.Pix[3*(y*48+x):3*(y*48+x)+3], []uint8{128, 128, 128}) }
		edges := [4]bool{} // left, right, top, bottom
		for y := range 48 {
			for x := range 48 {
				if !shown(x, y) {
					continue
				}
				// Pixels covered by less than a half, as at the star's tips, may lie outside.
				const tip = 4
				require.True(
					t,
					x >= b.Left-tip && x < b.Left+b.Width+tip && y >= b.Top-tip && y < b.Top+b.Height+tip,
					"picture %d, (%d, %d) and %+v",
					i,
					x,
					y,
					b,
				)
				edges[0] = edges[0] || x == b.Left
				edges[1] = edges[1] || x == b.Left+b.Width-1
				edges[2] = edges[2] || y == b.Top
				edges[3] = edges[3] || y == b.Top+b.Height-1
			}
		}
		assert.Equal(t, [4]bool{true, true, true, true}, edges, "picture %d: the box is tight", i)
	}
}

func BenchmarkShapes(b *testing.B) {
	ds, err := datasets.Open(datasets.Options{Name: "shapes", Train: true, Count: 1000, Correlation: 0.5})
	require.NoError(b, err)
	fg := ds.(datasets.Foreground)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if _, err := fg.Variant(i%1000, datasets.Full); err != nil { // drawn anew, unlike Image
			b.Fatal(err)
		}
	}
}
