package interventions_test

import (
	"math"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/icl-msr/icl-msr/datasets"
	"github.com/icl-msr/icl-msr/interventions"
	"github.com/icl-msr/icl-msr/transforms"
)

// drawn opens drawn pictures, whose foreground and background are known.
func drawn(t testing.TB, o datasets.Options) datasets.Backgrounds {
	o.Name, o.Train = "shapes", true
	ds, err := datasets.Open(o)
	require.NoError(t, err)
	return ds.(datasets.Backgrounds)
}

func swapOf(t testing.TB, ds datasets.Dataset, o interventions.SwapOptions) *interventions.Swap {
	masks, err := interventions.NewKnown(ds)
	require.NoError(t, err)
	s, err := interventions.NewSwap(ds, masks, o)
	require.NoError(t, err)
	return s
}

// gray is a data set of plain gray pictures, except one. Its pictures are donors.
type gray struct{ datasets.Backgrounds }

func (d gray) Image(i int) (transforms.Image, error) {
	if i == 0 {
		return d.Backgrounds.Image(0)
	}
	m := transforms.NewImage(32, 32)
	for k := range m.Pix {
		m.Pix[k] = 128
	}
	return m, nil
}

func (d gray) Mask(i int) (datasets.Mask, error) {
	if i == 0 {
		return datasets.MaskOf(d.Backgrounds, 0)
	}
	return datasets.NewMask(32, 32), nil
}

// A swap onto plain gray gives the data set's own picture of the object on gray.
func TestSwapOntoGrayIsTheForegroundAlone(t *testing.T) {
	for seed := range uint64(20) {
		ds := drawn(t, datasets.Options{Count: 10, Seed: seed, Correlation: 0.5})
		s := swapOf(t, gray{ds}, interventions.SwapOptions{P: 1})
		src, err := ds.Image(0)
		require.NoError(t, err)
		want, err := ds.Variant(0, datasets.ForegroundOnly)
		require.NoError(t, err)
		var buffer transforms.Image
		got, err := s.Apply(src, 0, 0, 0, &buffer)
		require.NoError(t, err)
		sum, worst := 0.0, 0.0
		for k := range want.Pix {
			d := math.Abs(float64(want.Pix[k]) - float64(got.Pix[k]))
			sum, worst = sum+d, max(worst, d)
		}
		assert.Less(t, sum/float64(len(want.Pix)), 0.6, "seed %d: grey levels", seed)
		assert.Less(t, worst, 60.0, "seed %d: at soft edges", seed)
	}
}

func TestSwapsDependOnSeedEpochPictureAndViewAlone(t *testing.T) {
	ds := drawn(t, datasets.Options{Count: 50, Correlation: 0.5})
	a := swapOf(t, ds, interventions.SwapOptions{P: 1, Seed: 3})
	b := swapOf(t, ds, interventions.SwapOptions{P: 1, Seed: 3, Keep: -1}) // nothing is kept
	var x, y transforms.Image
	for i := range 10 {
		src, err := ds.Image(i)
		require.NoError(t, err)
		before := src.Clone()
		p, err := a.Apply(src, 4, i, 1, &x)
		require.NoError(t, err)
		q, err := b.Apply(src, 4, i, 1, &y)
		require.NoError(t, err)
		assert.Equal(t, p, q)
		assert.Equal(t, before, src, "the picture is not written to")
	}
	other := swapOf(t, ds, interventions.SwapOptions{P: 1, Seed: 4})
	differ := [3]int{}
	for i := range 50 {
		for k, d := range []int{other.Choose(4, i, 1), a.Choose(5, i, 1), a.Choose(4, i, 0)} {
			if d != a.Choose(4, i, 1) {
				differ[k]++
			}
		}
		assert.NotEqual(t, i, a.Choose(4, i, 1), "the donor is another picture")
	}
	for k, n := range differ {
		assert.Greater(t, n, 40, "seed, epoch, view: %d", k)
	}
}

// Several goroutines at a time give the same pictures as one.
func TestSwapsInSeveralGoroutines(t *testing.T) {
	ds := drawn(t, datasets.Options{Count: 30, Correlation: 0.5})
	e, err := interventions.EstimatorNamed("regions")
	require.NoError(t, err)
	var got [2][30]transforms.Image
	for k, workers := range []int{1, 5} {
		s, err := interventions.NewSwap(ds, interventions.Estimated{Estimator: e}, interventions.SwapOptions{P: 1})
		require.NoError(t, err)
		var wg sync.WaitGroup
		errs := make([]error, workers)
		for w := range workers {
			wg.Go(func() {
				for i := w; i < 30 && errs[w] == nil; i += workers {
					var src, buffer transforms.Image
					if src, errs[w] = ds.Image(i); errs[w] == nil {
						got[k][i], errs[w] = s.Apply(src, 0, i, 0, &buffer)
					}
				}
			})
		}
		wg.Wait()
		for _, err := range errs {
			require.NoError(t, err)
		}
	}
	assert.Equal(t, got[0], got[1])
}

// With the probability p, a share p of the views is swapped. All donors are equally frequent.
func TestShareOfSwaps(t *testing.T) {
	ds := drawn(t, datasets.Options{Count: 20})
	s := swapOf(t, ds, interventions.SwapOptions{P: 0.3, OneView: true})
	swapped, donors := 0, make([]int, 20)
	for epoch := range uint64(500) {
		for i := range 20 {
			if d := s.Choose(epoch, i, 0); d != i {
				swapped++
				donors[d]++
			}
			require.Equal(t, i, s.Choose(epoch, i, 1), "view 1 keeps its background")
		}
	}
	assert.InDelta(t, 0.3, float64(swapped)/10000, 0.02)
	for i, n := range donors {
		assert.InDelta(t, float64(swapped)/20, n, 50, "donor %d", i)
	}
	_, err := interventions.NewSwap(ds, interventions.Known{Dataset: ds}, interventions.SwapOptions{P: 1.5})
	assert.ErrorContains(t, err, "P 1.5: want a probability from 0 to 1")
}

// The swapped picture shows its own object, and the donor's background outside of it.
func TestASwapShowsTheDonorsBackground(t *testing.T) {
	ds := drawn(t, datasets.Options{Count: 40, Correlation: 0.5})
	s := swapOf(t, ds, interventions.SwapOptions{P: 1})
	var buffer transforms.Image
	outside := 0
	for i := range 40 {
		src, err := ds.Image(i)
		require.NoError(t, err)
		j := s.Choose(0, i, 0)
		donor, err := ds.Image(j)
		require.NoError(t, err)
		own, err := datasets.MaskOf(ds, i)
		require.NoError(t, err)
		its, err := datasets.MaskOf(ds, j)
		require.NoError(t, err)
		filled, err := interventions.Fill(donor, its)
		require.NoError(t, err)
		got, err := s.Apply(src, 0, i, 0, &buffer)
		require.NoError(t, err)
		for k := range own.Pix {
			p := [3][]uint8{got.Pix[3*k : 3*k+3], src.Pix[3*k : 3*k+3], filled.Pix[3*k : 3*k+3]}
			switch own.Pix[k] {
			case 255:
				require.Equal(t, p[1], p[0])
			case 0:
				require.Equal(t, p[2], p[0])
				outside++
			}
		}
	}
	assert.Greater(t, outside, 40*500)
}
