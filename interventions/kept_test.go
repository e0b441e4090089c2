package interventions_test

import (
	"bytes"
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/icl-msr/icl-msr/datasets"
	"github.com/icl-msr/icl-msr/internal/devicetest"
	"github.com/icl-msr/icl-msr/interventions"
	"github.com/icl-msr/icl-msr/torch"
	"github.com/icl-msr/icl-msr/transforms"
)

// A negative shows the background of its picture and the object of another one.
func TestNegativesShareTheBackgroundAlone(t *testing.T) {
	ds := drawn(t, datasets.Options{Count: 12, Correlation: 0.5})
	s := swapOf(t, ds, interventions.SwapOptions{P: 1})
	var buffer, again transforms.Image
	for i := range 12 {
		src, err := ds.Image(i)
		require.NoError(t, err)
		mask, err := datasets.MaskOf(ds, i)
		require.NoError(t, err)
		filled, err := interventions.Fill(src, mask)
		require.NoError(t, err)
		got, err := s.Negative(1, i, 0, &buffer)
		require.NoError(t, err)
		same, err := s.Negative(1, i, 0, &again)
		require.NoError(t, err)
		assert.Equal(t, got, same)
		objects := 0
		for j := range 12 { // find the picture whose object it is
			m, err := ds.Image(j)
			require.NoError(t, err)
			its, err := datasets.MaskOf(ds, j)
			require.NoError(t, err)
			fits := true
			for k, a := range its.Pix {
				p := got.Pix[3*k : 3*k+3]
				switch a {
				case 255:
					fits = fits && bytes.Equal(p, m.Pix[3*k:3*k+3])
				case 0:
					fits = fits && bytes.Equal(p, filled.Pix[3*k:3*k+3])
				}
			}
			if fits {
				objects++
				assert.NotEqual(t, i, j)
			}
		}
		assert.Equal(t, 1, objects)
	}
}

// A swap on a device equals the swap on the host.
func TestKeptSwapsAreThoseOfTheHost(t *testing.T) {
	ds := drawn(t, datasets.Options{Count: 24, Correlation: 0.5})
	e, err := interventions.EstimatorNamed("cut")
	require.NoError(t, err)
	sw, err := interventions.NewSwap(ds, interventions.Estimated{Estimator: e}, interventions.SwapOptions{P: 0.7})
	require.NoError(t, err)
	require.NoError(t, torch.With(func(s *torch.Scope) error {
		device := devicetest.Device(t)
		pictures, err := datasets.Keep(context.Background(), s, ds, device, 1)
		require.NoError(t, err)
		kept, err := sw.Keep(context.Background(), s, device, 2)
		require.NoError(t, err)
		var own, donors []int64
		for i := range 24 {
			own, donors = append(own, int64(i)), append(donors, int64(sw.Choose(2, i, 1)))
		}
		got := s.Bytes(kept.Apply(s, pictures.Pictures, own, donors))
		require.NoError(t, s.Err())
		var buffer transforms.Image
		for i := range 24 {
			src, err := ds.Image(i)
			require.NoError(t, err)
			want, err := sw.Apply(src, 2, i, 1, &buffer)
			require.NoError(t, err)
			for c := range 3 {
				for k := range 32 * 32 {
					require.Equal(t, want.Pix[3*k+c], got[(3*i+c)*32*32+k], "picture %d", i)
				}
			}
		}
		return s.Err()
	}))
}
