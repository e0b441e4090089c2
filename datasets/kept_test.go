package datasets_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/sugarme/gotch"

	"github.com/icl-msr/icl-msr/datasets"
	"github.com/icl-msr/icl-msr/torch"
	"github.com/icl-msr/icl-msr/transforms"
)

func TestKeptPicturesArePlanesInOrder(t *testing.T) {
	ds, err := datasets.Open(datasets.Options{Name: "shapes", Train: true, Count: 21, Size: 12})
	require.NoError(t, err)
	require.NoError(t, torch.With(func(s *torch.Scope) error {
		k, err := datasets.Keep(context.Background(), s, ds, gotch.CPU, 3)
		require.NoError(t, err)
		assert.Equal(t, []int64{21, 3, 12, 12}, s.Shape(k.Pictures))
		all := torch.Slice[uint8](s, k.Pictures)
		for i := range 21 {
			m, err := ds.Image(i)
			require.NoError(t, err)
			for c := range 3 {
				for p := range 144 {
					require.Equal(t, m.Pix[3*p+c], all[(3*i+c)*144+p])
				}
			}
		}
		return s.Err()
	}))
}

// another has one picture of another size.
type another struct{ datasets.Dataset }

func (a another) Image(i int) (transforms.Image, error) {
	if i == 7 {
		return transforms.NewImage(8, 9), nil
	}
	return a.Dataset.Image(i)
}

func TestKeepNamesAPictureOfAnotherSize(t *testing.T) {
	ds, err := datasets.Open(datasets.Options{Name: "shapes", Train: true, Count: 21, Size: 12})
	require.NoError(t, err)
	s := torch.NewScope()
	defer s.Close()
	_, err = datasets.Keep(context.Background(), s, another{ds}, gotch.CPU, 2)
	mixed := (*datasets.MixedSizeError)(nil)
	require.ErrorAs(t, err, &mixed)
	assert.EqualError(
		t,
		err,
		"pictures of 12x12 and of 8x9 pixels (7): only pictures of one size can be kept on a device",
	)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err = datasets.Keep(ctx, s, ds, gotch.CPU, 2)
	assert.ErrorIs(t, err, context.Canceled)
}

func TestSize(t *testing.T) {
	ds, err := datasets.Open(datasets.Options{Name: "shapes", Train: true, Count: 40, Size: 12})
	require.NoError(t, err)
	share, err := datasets.Share(datasets.WithVariant(ds.(datasets.Foreground), datasets.ForegroundOnly), 0.5, 1)
	require.NoError(t, err)
	w, h := datasets.Size(share)
	assert.Equal(t, [2]int{12, 12}, [2]int{w, h})
	w, h = datasets.Size(broken{ds})
	assert.Equal(t, [2]int{0, 0}, [2]int{w, h}, "a wrapper may change the pictures")
}

// hostViews returns the indices of the views with augmentation a that the host makes.
func hostViews(t *testing.T, o datasets.LoaderOptions, ds datasets.Dataset, a datasets.Augment) (out []int) {
	o.Bad = func(int, error) error { return nil }
	l, err := datasets.NewLoader(ds, o)
	require.NoError(t, err)
	for b, err := range l.Epoch(context.Background(), 0, 0) {
		require.NoError(t, err)
		for v := range b.Views {
			if o.Views[v] == a && b.Views[v] != nil {
				out = append(out, v)
			}
		}
	}
	return out
}

// made returns the batches of an epoch with all views, whether the host or the device makes them.
func made(t *testing.T, o datasets.LoaderOptions, ds datasets.Dataset) (indices [][]int, views, plain [][]float32) {
	l, err := datasets.NewLoader(ds, o)
	require.NoError(t, err)
	for b, err := range l.Epoch(context.Background(), 3, 0) {
		require.NoError(t, err)
		require.NoError(t, torch.With(func(s *torch.Scope) error {
			v, p := b.Finish(s, gotch.CPU)
			require.Len(t, v, 2)
			indices = append(indices, append([]int{}, b.Indices...))
			for k, host := range b.Views {
				if host == nil {
					host = torch.Slice[float32](s, s.Contiguous(v[k]))
				}
				views = append(views, append([]float32{}, host...))
			}
			if b.Plain != nil {
				plain = append(plain, append([]float32{}, b.Plain...))
			} else {
				plain = append(plain, torch.Slice[float32](s, s.Contiguous(p)))
			}
			return s.Err()
		}))
	}
	return indices, views, plain
}

// A loader with kept pictures makes the same batches as one that reads them. In both, the next picture
// replaces one that cannot be read, and the host makes a view that the device cannot make.
func TestALoaderOfKeptPicturesMakesTheSameBatches(t *testing.T) {
	whole, err := datasets.Open(datasets.Options{Name: "shapes", Train: true, Count: 60})
	require.NoError(t, err)
	ds := broken{whole}
	p := transforms.CIFAR()
	info := p.InfoMin()
	for name, second := range map[string]datasets.Augment{"strong": &p.View, "one view of the host": &info} {
		var told []string
		o := datasets.LoaderOptions{
			BatchSize: 20,
			Shuffle:   true,
			Seed:      3,
			Workers:   1,
			Views:     []datasets.Augment{&p.View, second},
			Plain:     &p.Plain,
			Staged:    true,
			Bad:       func(i int, err error) error { told = append(told, fmt.Sprint(i, " ", err)); return nil },
		}
		indices, views, plain := made(t, o, ds)
		want := told
		require.Equal(t, []string{"13 picture 13 of shapes train: scratched"}, want)
		told = nil
		require.NoError(t, torch.With(func(s *torch.Scope) error {
			o.Kept, err = datasets.Keep(context.Background(), s, ds, gotch.CPU, 2)
			require.NoError(t, err)
			require.Empty(t, hostViews(t, o, ds, &p.View), "the device makes these views")
			gotIndices, gotViews, gotPlain := made(t, o, ds)
			assert.Equal(t, want, told, name)
			assert.Equal(t, indices, gotIndices, name)
			assert.Equal(t, views, gotViews, name)
			require.Len(t, gotPlain, len(plain))
			for b := range plain {
				require.InDeltaSlice(t, plain[b], gotPlain[b], 1e-6, name)
			}
			o.Bad = nil
			l, err := datasets.NewLoader(ds, o)
			require.NoError(t, err)
			var last error
			for _, err := range l.Epoch(context.Background(), 0, 0) {
				last = errors.Join(last, err)
			}
			assert.ErrorContains(t, last, "picture 13 of shapes train: scratched")
			return s.Err()
		}))
	}
}
