package meta_test

import (
	"context"
	"fmt"
	"iter"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/icl-msr/icl-msr/internal/standin"
	"github.com/icl-msr/icl-msr/meta"
	"github.com/icl-msr/icl-msr/methods"
	"github.com/icl-msr/icl-msr/torch"
)

// watched is a source in whose passes the host may not wait for the device, and
// what it sends there is counted.
type watched struct {
	pictures
	uploads *int64
}

func (w watched) Batches(ctx context.Context, n uint64, from, step int) iter.Seq2[meta.HostBatch, error] {
	return func(yield func(meta.HostBatch, error) bool) {
		defer standin.Forbid()()
		before := standin.Counted()
		w.pictures.Batches(ctx, n, from, step)(yield)
		*w.uploads += before.Since().Uploads
	}
}

func watch(s meta.Source) watched { return watched{s.(pictures), new(int64)} }

// onDevice trains on the stand-in, where to mix it with the CPU or to wait for it
// in a step is an error, and compares what comes out with a run on the CPU.
func (r run) onDevice(t *testing.T) {
	s := torch.NewScope()
	c := meta.Default()
	if r.change != nil {
		r.change(&c)
	}
	what := fmt.Sprintf("%s, msr %v, %s, %s, %s, balance %v, micro-batches of %d, recompute %v, %s", r.method, r.msr,
		c.Space, c.GradientMethod, c.Ablation, c.GammaBalance, r.micro, r.recompute, r.optimizer)
	want, figures := r.train(t, s, nil)
	r.device = standin.Device()
	before := standin.Counted()
	tr := r.trainer(t, s, nil)
	source := watch(tr.Source)
	tr.Source = source
	epochs, err := r.follow(context.Background(), tr)
	if !assert.NoError(t, err, what) {
		s.Close()
		return
	}
	since := before.Since()
	steps := int64(want.Position.Step + want.Position.MetaSteps)
	assert.Equal(t, steps, since.Late, "%s: each step is looked at once", what)
	if r.method != "w_mse" { // which shuffles
		assert.LessOrEqual(t, *source.uploads, steps*int64(len(source.sizes)+2),
			"%s: a step sends views, pictures and their numbers", what)
	}
	surveys := int64(0)
	if r.method == "pcl" {
		surveys = 2 // one for each clustering
	}
	assert.Equal(t, surveys, since.Reads, "%s: times that the host waited", what)
	equal(t, want, tr.State, figures, epochs, what)
	require.NoError(t, s.Close())
}

// onDevices are the runs that a device is tried with.
func onDevices() []run {
	runs := microRuns(true)
	for _, r := range microRuns(false) {
		r.micro = 4
		runs = append(runs, r)
		r.recompute = true
		runs = append(runs, r)
		r.micro = 0
		runs = append(runs, r)
	}
	for _, o := range []string{"sgd", "lars"} {
		runs = append(runs, run{method: "simclr", msr: true, optimizer: o})
	}
	for _, way := range []meta.GradientMethod{meta.Unrolled, meta.ForwardMode, meta.FiniteDifference} {
		runs = append(runs, run{method: "simclr", msr: true, change: func(c *meta.Config) {
			c.GradientMethod,
				c.GammaBalance = way, true
		}})
	}
	return append(runs, run{method: "swav", options: map[string]float64{"queue_from": 0}},
		run{method: "w_mse", msr: true, options: map[string]float64{"views": 4}})
}

func TestEveryMethodOnADevice(t *testing.T) {
	names := map[string]bool{}
	for _, r := range onDevices() {
		names[r.method] = true
		r.onDevice(t)
	}
	assert.Len(t, names, len(methods.Names()))
}

// Float32 networks lay out their pictures in another way.
func TestFloat32OnADevice(t *testing.T) {
	for _, r := range []run{{method: "byol", msr: true}, {method: "simclr", msr: true,
		change: func(c *meta.Config) { c.GradientMethod = meta.Unrolled }},
		{method: "simclr", msr: true, change: func(c *meta.Config) { c.GradientMethod = meta.FiniteDifference },
			recompute: true}} {
		s := torch.NewScope()
		r.float32 = true
		_, want := r.train(t, s, nil)
		r.device = standin.Device()
		tr := r.trainer(t, s, nil)
		tr.Source = watch(tr.Source)
		got, err := r.follow(context.Background(), tr)
		require.NoError(t, err)
		// The rank is by one set of eigenvalues, of four pictures.
		assert.InDeltaSlice(t, figures(want[0]), figures(got[0]), 2e-3)
		require.NoError(t, s.Close())
	}
}
