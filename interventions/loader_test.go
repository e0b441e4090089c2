package interventions_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/sugarme/gotch"

	"github.com/icl-msr/icl-msr/datasets"
	"github.com/icl-msr/icl-msr/interventions"
	"github.com/icl-msr/icl-msr/torch"
	"github.com/icl-msr/icl-msr/transforms"
)

// copied is an augmentation that changes only the layout, so that a view shows the picture's own bytes.
func copied() *transforms.Pipeline {
	one := [2]float64{1, 1}
	return &transforms.Pipeline{Size: 32, Scale: one, Ratio: one,
		Norm: transforms.Normalization{Std: [3]float64{1. / 255, 1. / 255, 1. / 255}}}
}

// shown returns the views of an epoch, and the pictures of each batch.
func shown(t *testing.T, ds datasets.Dataset, o datasets.LoaderOptions) (views []float32, batches [][]int) {
	o.BatchSize, o.Shuffle, o.DropLast, o.Seed = 8, true, true, 3
	l, err := datasets.NewLoader(ds, o)
	require.NoError(t, err)
	for b, err := range l.Epoch(context.Background(), 3, 0) {
		require.NoError(t, err)
		batches = append(batches, append([]int(nil), b.Indices...))
		require.NoError(t, torch.With(func(s *torch.Scope) error {
			finished, _ := b.Finish(s, gotch.CPU)
			for v, host := range b.Views {
				if host == nil {
					host = torch.Slice[float32](s, s.Contiguous(finished[v]))
				}
				views = append(views, host...)
			}
			return s.Err()
		}))
	}
	return views, batches
}

// A loader shows the pictures of Swap.Apply, wherever the views are made.
func TestALoaderShowsSwappedPictures(t *testing.T) {
	ds := drawn(t, datasets.Options{Count: 64, Correlation: 0.5})
	sw := swapOf(t, ds, interventions.SwapOptions{P: 0.6})
	o := datasets.LoaderOptions{Workers: 2, Views: []datasets.Augment{copied(), copied()}, Intervene: sw}
	views, batches := shown(t, ds, o)
	require.Len(t, batches, 8)
	var buffer transforms.Image
	at, differ := 0, 0
	for _, indices := range batches {
		for v := range 2 {
			for _, i := range indices {
				src, err := ds.Image(i)
				require.NoError(t, err)
				want, err := sw.Apply(src, 3, i, v, &buffer)
				require.NoError(t, err)
				for c := range 3 {
					for k := range 32 * 32 {
						require.InDelta(t, want.Pix[3*k+c], views[at], 1e-3, "view %d of picture %d", v, i)
						if want.Pix[3*k+c] != src.Pix[3*k+c] {
							differ++
						}
						at++
					}
				}
			}
		}
	}
	assert.Greater(t, differ, len(views)/4, "backgrounds differ from the pictures'")

	o.Workers = 1
	again, _ := shown(t, ds, o)
	assert.Equal(t, views, again, "one goroutine")
	o.Staged = true
	again, _ = shown(t, ds, o)
	assert.InDeltaSlice(t, views, again, 1e-3, "the device finishes views")
	require.NoError(t, torch.With(func(s *torch.Scope) (err error) {
		o.Kept, err = datasets.Keep(context.Background(), s, ds, gotch.CPU, 1)
		require.NoError(t, err)
		o.BatchSize = 8
		_, err = datasets.NewLoader(ds, o)
		require.ErrorContains(t, err, "needs InterveneKept")
		o.InterveneKept, err = sw.Keep(context.Background(), s, gotch.CPU, 2)
		require.NoError(t, err)
		again, order := shown(t, ds, o)
		assert.InDeltaSlice(t, views, again, 1e-3, "the device keeps the pictures")
		assert.Equal(t, batches, order)
		return s.Err()
	}))
}

// A missing mask ends the preparation of the device, as it ends training on the host.
func TestKeepTellsOfMasks(t *testing.T) {
	ds := drawn(t, datasets.Options{Count: 4, Correlation: 0.5})
	sw, err := interventions.NewSwap(ds, lost{}, interventions.SwapOptions{P: 1})
	require.NoError(t, err)
	require.NoError(t, torch.With(func(s *torch.Scope) error {
		_, err := sw.Keep(context.Background(), s, gotch.CPU, 1)
		assert.ErrorContains(t, err, "no mask")
		return nil
	}))
}

type lost struct{}

func (lost) MaskOf(int, transforms.Image, *interventions.Scratch) (datasets.Mask, error) {
	return datasets.Mask{}, errors.New("no mask")
}

// The loader takes its order from strata.
func TestALoaderKeepsTheOrderOfStrata(t *testing.T) {
	ds := drawn(t, datasets.Options{Count: 64, Correlation: 0.5})
	st, err := interventions.KnownStrata(ds)
	require.NoError(t, err)
	st, err = st.Merge(8)
	require.NoError(t, err)
	require.Greater(t, len(st.Shares), 1)
	o := datasets.LoaderOptions{
		Views: []datasets.Augment{copied()},
		Order: func(epoch uint64) []int {
			order, err := interventions.Order(st, 8, epoch, 1)
			require.NoError(t, err)
			return order
		},
	}
	_, batches := shown(t, ds, o)
	require.Len(t, batches, 8)
	for _, indices := range batches {
		for _, i := range indices {
			assert.Equal(t, st.Of[indices[0]], st.Of[i])
		}
	}
	_, err = datasets.NewLoader(ds, datasets.LoaderOptions{BatchSize: 8, Order: o.Order})
	assert.ErrorContains(t, err, "Order needs DropLast")
}
