package datasets_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/icl-msr/icl-msr/datasets"
	"github.com/icl-msr/icl-msr/transforms"
)

func loader(t *testing.T, ds datasets.Dataset, workers int) *datasets.Loader {
	p := transforms.CIFAR()
	l, err := datasets.NewLoader(
		ds,
		datasets.LoaderOptions{BatchSize: 7, Shuffle: true, DropLast: true, Seed: 3, Workers: workers,
			Views: []datasets.Augment{&p.View, &p.View}, Plain: &p.Plain},
	)
	require.NoError(t, err)
	return l
}

type collected struct {
	indices []int
	labels  []int64
	view    []float32
}

func collect(t *testing.T, l *datasets.Loader, epoch uint64, from int) (out []collected) {
	return collectEvery(t, l, epoch, from, 1)
}

func collectEvery(t *testing.T, l *datasets.Loader, epoch uint64, from, step int) (out []collected) {
	for b, err := range l.Every(context.Background(), epoch, from, step) {
		require.NoError(t, err)
		out = append(
			out,
			collected{
				append([]int{}, b.Indices...),
				append([]int64{}, b.Labels...),
				append(append([]float32{}, b.Views[1]...), b.Plain...),
			},
		)
	}
	return out
}

func TestLoaderDependsNeitherOnWorkersNorOnTheFirstBatch(t *testing.T) {
	ds, err := datasets.Open(datasets.Options{Name: "shapes", Train: true, Count: 60})
	require.NoError(t, err)
	one, four := loader(t, ds, 1), loader(t, ds, 4)
	want := collect(t, one, 5, 0)
	require.Len(t, want, 8)
	assert.Equal(t, want, collect(t, four, 5, 0))
	assert.Equal(t, want[3:], collect(t, four, 5, 3))
	assert.Equal(t, []collected{want[1], want[4], want[7]}, collectEvery(t, four, 5, 1, 3))
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
	// A goroutine counts for a moment after its wait group is done.
	for range 1000 {
		if runtime.NumGoroutine() <= before {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Fatalf("%d goroutines, %d before", runtime.NumGoroutine(), before)
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
	assert.ErrorContains(t, err, "BatchSize 57 is larger than the 56 pictures of shapes train; use 56 or less")
}

// An evaluation leaves out a picture that cannot be read, so that no other one counts twice.
func TestLoaderLeavesOut(t *testing.T) {
	ds, err := datasets.Open(datasets.Options{Name: "shapes", Train: true, Count: 29})
	require.NoError(t, err)
	p := transforms.CIFAR()
	read := func(ds datasets.Dataset, least int) (indices []int) {
		l, err := datasets.NewLoader(
			ds,
			datasets.LoaderOptions{BatchSize: 7, Workers: 2, Plain: &p.Plain, LeaveOut: true, Least: least,
				Bad: func(int, error) error { return nil }},
		)
		require.NoError(t, err)
		for b, err := range l.Epoch(context.Background(), 0, 0) {
			require.NoError(t, err)
			require.Len(t, b.Labels, b.N)
			require.Len(t, b.Plain, b.N*3*32*32)
			for k, i := range b.Indices {
				want := make([]float32, 3*32*32)
				m, err := ds.Image(i)
				require.NoError(t, err)
				require.NoError(t, p.Plain.Apply(want, transforms.Whole(m), nil, &transforms.Scratch{}))
				require.Equal(t, want, b.Plain[k*len(want):(k+1)*len(want)], "picture %d", i)
				require.Equal(t, int64(ds.Label(i)), b.Labels[k])
			}
			indices = append(indices, b.Indices...)
		}
		return indices
	}
	all := read(ds, 0)
	assert.Len(t, all, 29)
	assert.Equal(t, slices.Delete(slices.Clone(all), 13, 14), read(broken{ds}, 0))
	assert.Equal(t, all[:28], read(ds, 2), "the last batch has one picture, and batch norms need two")
}

func TestLoaderWithoutDropLastGivesEveryPictureOnce(t *testing.T) {
	ds, err := datasets.Open(datasets.Options{Name: "shapes", Train: true, Count: 60})
	require.NoError(t, err)
	p := transforms.CIFAR()
	l, err := datasets.NewLoader(
		ds,
		datasets.LoaderOptions{BatchSize: 7, Shuffle: true, Workers: 3, Views: []datasets.Augment{&p.View}},
	)
	require.NoError(t, err)
	assert.Equal(t, 9, l.Steps())
	for epoch := range uint64(2) { // the second one in buffers of the first
		times, last := make([]int, 60), 0
		for b, err := range l.Epoch(context.Background(), epoch, 0) {
			require.NoError(t, err)
			require.Len(t, b.Views[0], b.N*3*32*32)
			require.Len(t, b.Labels, b.N)
			for _, i := range b.Indices {
				times[i]++
			}
			last = b.N
		}
		assert.Equal(t, 4, last)
		for i, n := range times {
			assert.Equal(t, 1, n, "picture %d", i)
		}
	}
}

func TestLoaderViewsOfAPictureDifferByEpochAndView(t *testing.T) {
	ds, err := datasets.Open(datasets.Options{Name: "shapes", Train: true, Count: 8})
	require.NoError(t, err)
	p := transforms.CIFAR()
	l, err := datasets.NewLoader(ds, datasets.LoaderOptions{BatchSize: 8, Views: []datasets.Augment{&p.View, &p.View}})
	require.NoError(t, err)
	var first []float32
	for epoch := range uint64(2) {
		for b, err := range l.Epoch(context.Background(), epoch, 0) {
			require.NoError(t, err)
			assert.NotEqual(t, b.Views[0], b.Views[1])
			if epoch == 0 {
				first = append(first, b.Views[0]...)
			} else {
				assert.NotEqual(t, first, b.Views[0])
			}
		}
	}
	assert.Len(t, first, 8*3*32*32)
}

// BenchmarkLoader measures the loader alone: pictures are cached, and views are copies.
func BenchmarkLoader(b *testing.B) {
	ds, err := datasets.Open(datasets.Options{Name: "shapes", Train: true, Count: 640})
	require.NoError(b, err)
	p := transforms.CIFAR()
	l, err := datasets.NewLoader(
		ds,
		datasets.LoaderOptions{BatchSize: 64, Shuffle: true, Views: []datasets.Augment{copied{p.Plain.Norm}}},
	)
	require.NoError(b, err)
	b.ReportAllocs()
	for epoch := uint64(0); b.Loop(); epoch++ {
		for _, err := range l.Epoch(context.Background(), epoch, 0) {
			if err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(640*b.N)/b.Elapsed().Seconds(), "pictures/s")
}

type copied struct{ transforms.Normalization }

func (c copied) Side() int { return 32 }
func (c copied) Apply(dst []float32, src transforms.Part, _ *rand.Rand, _ *transforms.Scratch) error {
	return c.Write(dst, src.Image)
}

// slow counts the pictures that were asked for and those that were returned.
type slow struct {
	datasets.Dataset
	asked, given *atomic.Int64
}

func (d slow) Image(i int) (transforms.Image, error) {
	d.asked.Add(1)
	defer d.given.Add(1)
	time.Sleep(500 * time.Microsecond)
	return d.Dataset.Image(i)
}

func TestLoaderLeavesNothingRunning(t *testing.T) {
	ds, err := datasets.Open(datasets.Options{Name: "shapes", Train: true, Count: 2000})
	require.NoError(t, err)
	s := slow{ds, new(atomic.Int64), new(atomic.Int64)}
	p := transforms.CIFAR()
	l, err := datasets.NewLoader(
		s,
		datasets.LoaderOptions{BatchSize: 400, Workers: 4, Views: []datasets.Augment{copied{p.Plain.Norm}}},
	)
	require.NoError(t, err)
	var before int64
	for range l.Epoch(context.Background(), 0, 0) {
		before = s.asked.Load()
		break
	}
	after := s.asked.Load()
	assert.Equal(t, after, s.given.Load(), "a worker is still at a picture")
	assert.Less(t, after-before, int64(200), "workers finish their picture, not their batch")
}

// The shares of the ranks, one after the other, are the batch of one process, picture by picture and view
// by view. This includes a last batch that does not divide.
func TestRanksShareABatch(t *testing.T) {
	ds, err := datasets.Open(datasets.Options{Name: "shapes", Train: true, Count: 21})
	require.NoError(t, err)
	p := transforms.CIFAR()
	o := datasets.LoaderOptions{
		BatchSize: 8,
		Shuffle:   true,
		Seed:      3,
		Workers:   2,
		Views:     []datasets.Augment{&p.View, &p.View},
		Plain:     &p.Plain,
	}
	for _, ranks := range []int{2, 4} {
		for _, drop := range []bool{true, false} {
			o.Rank, o.Ranks, o.DropLast = 0, 0, drop
			one, err := datasets.NewLoader(ds, o)
			require.NoError(t, err)
			want := collect(t, one, 4, 0)
			got := make([]collected, len(want))
			for o.Rank, o.Ranks = 0, ranks; o.Rank < ranks; o.Rank++ {
				l, err := datasets.NewLoader(ds, o)
				require.NoError(t, err)
				for b, part := range collect(t, l, 4, 0) {
					got[b].indices, got[b].labels = append(
						got[b].indices,
						part.indices...), append(
						got[b].labels,
						part.labels...)
				}
				for b, err := range l.Epoch(context.Background(), 4, 1) {
					require.NoError(t, err)
					n := 8 / ranks
					require.Equal(t, 8, b.Total)
					require.Len(t, b.Indices, n)
					size := len(want[1].view) / 2 / 8
					view := want[1].view[:8*size]
					assert.Equal(t, view[o.Rank*n*size:(o.Rank+1)*n*size], b.Views[1])
					break
				}
			}
			for b := range want {
				n := len(want[b].indices)
				assert.Equal(t, want[b].indices, got[b].indices[:n])
				assert.Equal(t, want[b].labels, got[b].labels[:n])
				assert.Less(t, len(got[b].indices)-n, ranks, "few fill up the last batch")
				if drop {
					assert.Len(t, got[b].indices, n)
				}
			}
		}
	}
	o.Rank, o.Ranks, o.DropLast = 0, 3, true
	_, err = datasets.NewLoader(ds, o)
	assert.ErrorContains(t, err, "BatchSize 8 does not divide by the job's 3 processes; use 6 or 9")
}
