package eval_test

import (
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/sugarme/gotch"

	"github.com/icl-msr/icl-msr/datasets"
	"github.com/icl-msr/icl-msr/eval"
	"github.com/icl-msr/icl-msr/torch"
	"github.com/icl-msr/icl-msr/transforms"
)

// twins are drawn pictures and their twins, with pairs.
func twins(t *testing.T, count int) (datasets.Twins, eval.SharePairs) {
	ds, err := datasets.Open(datasets.Options{Name: "shapes", Count: count, Correlation: 0.5, Seed: 3})
	require.NoError(t, err)
	w, err := datasets.TwinsOf(ds)
	require.NoError(t, err)
	p, err := eval.ChooseSharePairs(w.Labels, w.Background, w.TwinBackground, 5, 1)
	require.NoError(t, err)
	return w, p
}

// share embeds pictures and twins by f.
func share(t *testing.T, n int, p eval.SharePairs, f func(i int, twin bool) []float64) eval.ForegroundShare {
	var got eval.ForegroundShare
	require.NoError(t, torch.With(func(s *torch.Scope) error {
		var both [2]torch.Tensor
		for k, twin := range []bool{false, true} {
			var flat []float64
			for i := range n {
				flat = append(flat, f(i, twin)...)
			}
			both[k] = torch.FromSlice(s, flat, gotch.CPU, int64(n), int64(len(flat)/n))
		}
		var err error
		got, err = eval.MeasureForegroundShare(both[0], both[1], p)
		require.NoError(t, err)
		return s.Err()
	}))
	return got
}

func TestForegroundShareOfConstructedEmbeddings(t *testing.T) {
	w, p := twins(t, 300)
	oneHot := func(weight float64, k int) []float64 {
		v := make([]float64, 12)
		v[k] = weight
		return v
	}
	of := func(object, background float64) eval.ForegroundShare {
		return share(t, 300, p, func(i int, twin bool) []float64 {
			b := w.Background[i]
			if twin {
				b = w.TwinBackground[i]
			}
			return slices.Concat(oneHot(object, w.Labels[i]), oneHot(background, b))
		})
	}
	for _, c := range []struct{ object, background, fg, bg, share float64 }{
		{1, 0, 1, 0, 1}, {0, 1, 0, 1, 0}, {1, 1, 0.5, 0.5, 0.5}, {2, 1, 0.8, 0.2, 0.8},
	} {
		got := of(c.object, c.background)
		assert.InDelta(t, c.fg, got.Foreground, 1e-12)
		assert.InDelta(t, c.bg, got.Background, 1e-12)
		assert.InDelta(t, 0, got.Unrelated, 1e-12)
		assert.InDelta(t, c.share, got.Share, 1e-12)
	}
	constant := share(t, 300, p, func(int, bool) []float64 { return []float64{1, 0} })
	assert.True(t, math.IsNaN(constant.Share), "constant embeddings have no share")
}

// Pixels of the object alone have a share of nearly 1, those of the border one of nearly 0.
func TestForegroundShareOfPixels(t *testing.T) {
	const n = 120
	w, p := twins(t, n)
	pixels := func(keep func(i int, mask datasets.Mask, k int) bool) eval.ForegroundShare {
		return share(t, n, p, func(i int, twin bool) []float64 {
			ds := w.Pictures
			if twin {
				ds = w.Twins
			}
			m, err := ds.Image(i)
			require.NoError(t, err)
			mask, err := datasets.MaskOf(ds, i)
			require.NoError(t, err)
			return masked(m, func(k int) bool { return keep(i, mask, k) })
		})
	}
	object := pixels(func(_ int, mask datasets.Mask, k int) bool { return mask.Pix[k] == 255 })
	assert.InDelta(t, 1, object.Foreground, 1e-12, "twins have the same object")
	assert.InDelta(t, 1, object.Share, 0.05)
	border := pixels(func(_ int, mask datasets.Mask, k int) bool { return k < 3*32 && mask.Pix[k] == 0 })
	assert.InDelta(t, 0, border.Share, 0.04)
	t.Logf("object %+v, border %+v, all pixels %+v", object, border,
		pixels(func(int, datasets.Mask, int) bool { return true }))
}

// masked are the pixels of m about middle gray, 0 where they are not kept.
func masked(m transforms.Image, keep func(k int) bool) []float64 {
	out := make([]float64, len(m.Pix))
	for k := range m.Width * m.Height {
		if keep(k) {
			for c := range 3 {
				out[3*k+c] = float64(m.Pix[3*k+c]) - 128
			}
		}
	}
	return out
}

func TestSharePairsAreWhatTheySay(t *testing.T) {
	w, p := twins(t, 200)
	require.NotEmpty(t, p.Twins)
	for _, q := range p.Twins {
		require.Equal(t, q[0], q[1])
		require.NotEqual(t, w.Background[q[0]], w.TwinBackground[q[0]])
	}
	assert.Greater(t, len(p.Twins), 140, "most pictures have all kinds of pairs")
	require.Len(t, p.Background, 5*len(p.Twins))
	require.Len(t, p.Unrelated, 5*len(p.Twins))
	for _, q := range p.Background {
		require.NotEqual(t, w.Labels[q[0]], w.Labels[q[1]])
		require.Equal(t, w.Background[q[0]], w.TwinBackground[q[1]])
	}
	for _, q := range p.Unrelated {
		require.NotEqual(t, w.Labels[q[0]], w.Labels[q[1]])
		require.NotEqual(t, w.Background[q[0]], w.TwinBackground[q[1]])
	}
	again, err := eval.ChooseSharePairs(w.Labels, w.Background, w.TwinBackground, 5, 1)
	require.NoError(t, err)
	assert.Equal(t, p, again)
	for want, c := range map[string][3][]int{
		"2 labels, 1 backgrounds": {{0, 1}, {0}, {0, 1}},
		"none of 2 pictures":      {{0, 1}, {0, 1}, {0, 1}}, // twins are on the same background
		"picture 1 has no label":  {{0, -1}, {0, 1}, {1, 0}},
	} {
		_, err := eval.ChooseSharePairs(c[0], c[1], c[2], 1, 1)
		assert.ErrorContains(t, err, want)
	}
}
