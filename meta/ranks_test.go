package meta_test

import (
	"context"
	"fmt"
	"iter"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/sugarme/gotch"

	"github.com/icl-msr/icl-msr/internal/ranktest"
	"github.com/icl-msr/icl-msr/meta"
	"github.com/icl-msr/icl-msr/methods"
	"github.com/icl-msr/icl-msr/model"
	"github.com/icl-msr/icl-msr/nets"
	"github.com/icl-msr/icl-msr/torch"
)

// pictures is a source of random pictures, of which a rank of a job takes its
// share of each batch.
type pictures struct {
	rank, size, count, batch int
	sizes                    []int // of the views
}

const plainSize = 16

func (p pictures) Steps() int            { return p.count / p.batch }
func (p pictures) Waited() time.Duration { return 0 }

// draw is picture i of phase n, as view v.
func draw(n, i, v, size int) []float32 {
	rng := rand.New(rand.NewPCG(uint64(n), uint64(i)<<8|uint64(v)))
	x := make([]float32, 3*size*size)
	for k := range x {
		x[k] = float32(rng.NormFloat64())
	}
	return x
}

// share is this rank's part of a batch, of pictures that exist.
func (p pictures) share(n int, batch []int, views bool) meta.HostBatch {
	part := (len(batch) + p.size - 1) / p.size
	b := meta.HostBatch{N: part, Total: len(batch), Size: plainSize}
	if views {
		b.Sizes, b.Views = p.sizes, make([][]float32, len(p.sizes))
	}
	for k := range part {
		i := batch[min(p.rank*part+k, len(batch)-1)]
		b.Indices = append(b.Indices, int64(i))
		b.Plain = append(b.Plain, draw(1000, i, 99, plainSize)...)
		for v := range b.Views {
			b.Views[v] = append(b.Views[v], draw(n, i, v, p.sizes[v])...)
		}
	}
	return b
}

func (p pictures) Batches(_ context.Context, n uint64, from, step int) iter.Seq2[meta.HostBatch, error] {
	return func(yield func(meta.HostBatch, error) bool) {
		order := rand.New(rand.NewPCG(5, n)).Perm(p.count)
		for k := from; k < p.Steps(); k += step {
			if !yield(p.share(int(n), order[k*p.batch:(k+1)*p.batch], true), nil) {
				return
			}
		}
	}
}

// Survey leaves a last batch that does not divide.
func (p pictures) Survey(context.Context) iter.Seq2[meta.HostBatch, error] {
	return func(yield func(meta.HostBatch, error) bool) {
		for from := 0; from < p.count; from += p.batch {
			var batch []int
			for i := from; i < min(p.count, from+p.batch); i++ {
				batch = append(batch, i)
			}
			if !yield(p.share(0, batch, false), nil) {
				return
			}
		}
	}
}

// run is a method's training, alone or as a rank.
type run struct {
	method    string
	msr       bool
	change    func(c *meta.Config)
	optimizer string
	options   map[string]float64
	micro     int // pictures of a rank at a time
	recompute bool
	divided   int           // the same, as a network that normalises so many pictures at a time, in one graph
	script    string        // file of a TorchScript backbone
	local     bool          // batch norms of each rank by itself
	where     torch.Options // float64 on the CPU where it is zero
	device    gotch.Device  // where `where` is zero: float64 or float32 on it; none: the CPU
	float32   bool
	breaks    *int // the step at which the loss is no number
}

func (r run) trainer(t *testing.T, s *torch.Scope, g *torch.Group) *meta.Trainer {
	var backbone nets.Encoder
	width := 0.0625
	if r.float32 {
		width = 0.125
	}
	if r.where != (torch.Options{}) {
		width = 0.25
	}
	backbone, err := nets.NewBackbone("resnet8", nets.StemCIFAR, width)
	if r.script != "" {
		backbone, err = nets.LoadScripted(r.script, 8, gotch.CPU)
	}
	require.NoError(t, err)
	const count, batch = 18, 8
	mc := methods.Config{Temperature: 0.3, Hidden: 8, Dim: 5, Queue: 8, Pictures: count, Prototypes: []int64{3, 4},
		Options: r.options}
	if r.divided > 0 {
		backbone = divided{backbone, batch / int64(g.Size()), int64(r.divided)}
		mc.Projector = func(dim int64) nets.Encoder {
			return divided{nets.NewProjector(dim, mc.Hidden, mc.Dim), batch / int64(g.Size()), int64(r.divided)}
		}
	}
	method, err := methods.New(r.method, mc)
	require.NoError(t, err)
	if r.breaks != nil {
		method = breaking{method, *r.breaks}
	}
	m, err := model.New(method, backbone)
	require.NoError(t, err)
	c := meta.Default()
	c.NumWeights, c.Alpha = 3, 0.1
	if r.change != nil {
		r.change(&c)
	}
	var msr *nets.MSR
	if r.msr {
		msr, err = nets.NewMSR(nets.MSRConfig{Trunk: "conv4", Width: 0.0625, N: 3, C: m.WeightWidth(c.Space)})
		require.NoError(t, err)
		if r.divided > 0 {
			msr = nets.NewMSRWith(divided{nets.WithDim(msr.Sequential, 0), batch / int64(g.Size()), int64(r.divided)}, 3,
				m.WeightWidth(c.Space))
		}
	}
	if r.optimizer == "" {
		r.optimizer = "adam"
	}
	st, err := meta.NewState(s, meta.StateOptions{Model: m, MSR: msr, Seed: 11, Options: r.at(),
		Optimizer: nets.OptimizerConfig{Name: r.optimizer, WeightDecay: 1e-4, Momentum: 0.9}})
	require.NoError(t, err)
	src := pictures{g.Rank(), g.Size(), count, batch, nil}
	for _, v := range m.Views() {
		size := 8
		if v == model.Small {
			size = 6
		}
		src.sizes = append(src.sizes, size)
	}
	return &meta.Trainer{State: st, Config: c, Source: src,
		Exec: model.Exec{Group: g, SyncBatchNorm: !r.local, MicroBatch: r.micro,
			Recompute: r.recompute}, Schedule: nets.Schedule{Kind: "constant", LR: 1e-2, Epochs: 1, Steps: src.Steps()}}
}

// train returns the figures of each epoch.
func (r run) train(t *testing.T, s *torch.Scope, g *torch.Group) (*meta.State, []meta.Epoch) {
	tr := r.trainer(t, s, g)
	epochs, err := r.follow(context.Background(), tr)
	require.NoError(t, err, r.method)
	return tr.State, epochs
}

// follow runs a trainer.
func (r run) follow(ctx context.Context, tr *meta.Trainer) (epochs []meta.Epoch, err error) {
	tr.Hooks = append(tr.Hooks, meta.Hook{OnEpoch: func(_ *meta.State, e meta.Epoch) error {
		epochs = append(epochs, e)
		return nil
	}})
	err = tr.Run(ctx)
	return epochs, err
}

// finish is follow of a run that may not fail.
func finish(t *testing.T, tr *meta.Trainer) (*meta.State, []meta.Epoch) {
	epochs, err := run{}.follow(context.Background(), tr)
	require.NoError(t, err, tr.State.Name())
	return tr.State, epochs
}

// at is the type and the place of the run's numbers.
func (r run) at() torch.Options {
	if r.where != (torch.Options{}) {
		return r.where
	}
	o := torch.Float64()
	if r.float32 {
		o = torch.Float32()
	}
	if r.device.Name != "" {
		o.Device = r.device
	}
	return o
}

func figures(e meta.Epoch) (out []float64) {
	for _, name := range []string{"l_to", "l_ct", "l_msr", "meta_l_ct", "meta_l_ct_fast", "l_uni", "grad_norm_l_ct_fast",
		"grad_norm_l_uni", "embedding_std", "effective_rank"} {
		out = append(out, e.Value(name))
	}
	return out
}

// equal compares every tensor of both states, but those whose names have one of
// skip in them, and the epochs' figures.
func equal(t *testing.T, want, got *meta.State, a, b []meta.Epoch, what string, skip ...string) {
	s := torch.NewScope()
	ws, gs := want.Tensors(), got.Tensors()
	require.Len(t, gs, len(ws))
	for i, w := range ws {
		if slices.ContainsFunc(skip, func(part string) bool { return strings.Contains(w.Name, part) }) {
			continue
		}
		d, err := w.Tensor.Describe()
		require.NoError(t, err)
		if d.DType == torch.Float64().DType {
			x, y := torch.Slice[float64](s, w.Tensor), torch.Slice[float64](s, gs[i].Tensor)
			for k := range x {
				if math.Abs(x[k]-y[k]) > 1e-9*max(1, math.Abs(x[k])) {
					assert.Failf(t, "differs", "%s: %s[%d] is %g, got %g", what, w.Name, k, x[k], y[k])
					break
				}
			}
		} else {
			assert.Equal(t, s.Bytes(w.Tensor), s.Bytes(gs[i].Tensor), "%s: %s", what, w.Name)
		}
	}
	require.Len(t, b, len(a))
	for i := range a {
		assert.InDeltaSlice(t, figures(a[i]), figures(b[i]), 1e-9, "%s: figures of epoch %d", what, i)
		assert.Equal(t, a[i].Value("steps"), b[i].Value("steps"))
		assert.Equal(t, a[i].Value("meta_steps"), b[i].Value("meta_steps"))
	}
	require.NoError(t, s.Close())
}

// Two regular and two meta steps on 2 and on 4 ranks are those of one process with the same batches: losses,
// parameters, running statistics, the state of every method. All ranks end with the same bits (Trainer compares
// checksums).
func TestRanksTrainAsOneProcess(t *testing.T) {
	ranktest.Run(t, []int{2, 4}, func(t *testing.T, g *torch.Group) {
		var runs []run
		for _, name := range methods.Names() {
			var options map[string]float64
			if name == "pcl" {
				options = map[string]float64{"warm": 0} // clusters from the first epoch on
			}
			runs = append(runs, run{method: name, options: options}, run{method: name, msr: true, options: options})
			if g.Size() == 2 {
				runs = append(runs, run{method: name, msr: true, options: options,
					change: func(c *meta.Config) { c.Space, c.GradientMethod = meta.Feature, meta.Unrolled }})
			}
		}
		runs = append(runs,
			run{method: "byol", msr: true, change: func(c *meta.Config) { c.Space = meta.Feature }},
			run{method: "simclr", msr: true, change: func(c *meta.Config) {
				c.GradientMethod, c.GammaBalance = meta.Unrolled,
					true
			}},
			run{method: "simclr", msr: true, change: func(c *meta.Config) { c.GradientMethod = meta.FiniteDifference }},
			run{method: "simclr", msr: true, change: func(c *meta.Config) { c.Ablation = meta.UniformityOnly }},
			run{method: "simclr", msr: true, change: func(c *meta.Config) { c.Ablation = meta.Ones }},
			run{method: "simclr", optimizer: "lars"}, run{method: "simclr", optimizer: "sgd"})
		for _, r := range runs {
			s := torch.NewScope()
			st, epochs := r.train(t, s, g)
			if g.Rank() == 0 {
				c := meta.Default()
				if r.change != nil {
					r.change(&c)
				}
				one, want := r.train(t, s, nil)
				equal(t, one, st, want, epochs, fmt.Sprintf("%s, msr %v, %s, %s on %d ranks", r.method, r.msr, c.Space,
					c.GradientMethod, g.Size()))
			}
			require.NoError(t, s.Close())
		}
	})
}
