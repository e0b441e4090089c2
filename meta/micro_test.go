package meta_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/icl-msr/icl-msr/internal/ranktest"
	"github.com/icl-msr/icl-msr/meta"
	"github.com/icl-msr/icl-msr/methods"
	"github.com/icl-msr/icl-msr/model"
	"github.com/icl-msr/icl-msr/nets"
	"github.com/icl-msr/icl-msr/torch"
)

// divided is a network that sees the pictures of a batch m at a time, in one
// graph: what micro-batches must equal.
type divided struct {
	nets.Encoder
	n, m int64 // pictures of a view, and of a part
}

// Half halves as what it wraps does (CMC).
func (d divided) Half(channels int64) (nets.Encoder, error) {
	half, err := d.Encoder.(nets.Divisible).Half(channels)
	return divided{half, d.n, d.m}, err
}

func (d divided) Forward(s *torch.Scope, p, b []torch.Tensor, x torch.Tensor, m nets.Mode) torch.Tensor {
	rows := s.Size(x, 0)
	if rows%d.n != 0 {
		return d.Encoder.Forward(s, p, b, x, m) // a survey's
	}
	// The un-weighted pictures of all views, then the weighted ones' (3 weights), if any.
	plain := rows
	if m.Rows() > 0 {
		plain = m.Rows()
	}
	patches := int64(1)
	if plain%(49*d.n) == 0 {
		patches = 49 // CPC's, of a picture
	}
	var lengths []int64
	for at := int64(0); at < plain; at += d.n * patches {
		lengths = append(lengths, d.m*patches)
	}
	for at := plain; at < rows; at += 3 * d.n * patches {
		lengths = append(lengths, 3*d.m*patches)
	}
	parts := make([][]torch.Tensor, len(lengths))
	for i := range d.n / d.m {
		var in []torch.Tensor
		from := int64(0)
		for _, length := range lengths {
			in = append(in, s.Narrow(x, 0, from+i*length, length))
			from += length * d.n / d.m
		}
		mode := m
		if m.Rows() > 0 {
			mode = m.Leading(plain * d.m / d.n)
		}
		y, at := d.Encoder.Forward(s, p, b, s.Cat(0, in...), mode), int64(0)
		for k, length := range lengths {
			parts[k] = append(parts[k], s.Narrow(y, 0, at, length))
			at += length
		}
	}
	var out []torch.Tensor
	for _, part := range parts {
		out = append(out, part...)
	}
	return s.Cat(0, out...)
}

// microRuns are runs to compare with what they must equal.
func microRuns(all bool) (runs []run) {
	ways := []func(c *meta.Config){
		nil,
		func(c *meta.Config) { c.Space, c.GradientMethod = meta.Feature, meta.ForwardMode },
	}
	more := []func(c *meta.Config){
		func(c *meta.Config) { c.GradientMethod = meta.Unrolled },
		func(c *meta.Config) { c.Space, c.GradientMethod = meta.Feature, meta.Unrolled },
		func(c *meta.Config) { c.GradientMethod = meta.FiniteDifference },
		func(c *meta.Config) { c.Space, c.GradientMethod = meta.Feature, meta.FiniteDifference },
		func(c *meta.Config) { c.Ablation = meta.UniformityOnly },
		func(c *meta.Config) { c.Ablation = meta.Ones },
	}
	for _, name := range methods.Names() {
		few := map[string]bool{"simclr": true, "byol": true, "moco": true}[name]
		if !all && !few && name != "barlow_twins" && name != "swav" {
			continue
		}
		var options map[string]float64
		if name == "pcl" {
			options = map[string]float64{"warm": 0}
		}
		runs = append(runs, run{method: name, options: options})
		for _, way := range ways {
			runs = append(runs, run{method: name, options: options, msr: true, change: way})
		}
		for _, way := range more {
			if few {
				runs = append(runs, run{method: name, options: options, msr: true, change: way})
			}
		}
	}
	return runs
}

// both compares a run in micro-batches with one that has whole graphs.
func (r run) both(t *testing.T, g *torch.Group, m int) {
	s := torch.NewScope()
	c := meta.Default()
	if r.change != nil {
		r.change(&c)
	}
	r.micro, r.divided = m, 0
	st, epochs := r.train(t, s, g)
	r.micro, r.divided = 0, m
	if change := r.change; c.GradientMethod == meta.ForwardMode {
		r.change = func(c *meta.Config) {
			if change != nil {
				change(c)
			}
			c.GradientMethod = meta.Unrolled
		}
	}
	one, want := r.train(t, s, g)
	var skip []string
	if r.method == "ressl" || r.method == "swav" {
		// Two kinds of views, which one graph normalises kind by kind, and micro-batches part by part.
		skip = []string{"running_mean", "running_var"}
	}
	what := fmt.Sprintf("%s, msr %v, %s, %s, %s, micro-batches of %d, %d ranks", r.method, r.msr, c.Space,
		c.GradientMethod, c.Ablation, m, g.Size())
	equal(t, one, st, want, epochs, what, skip...)
	require.NoError(t, s.Close())
}

// Two regular and two meta steps in micro-batches are those of one graph whose
// networks normalise as many pictures at a time: losses, parameters, running
// statistics, the state of every method. The meta gradient of the one graph is
// the unrolled one.
func TestMicroBatchesTrainAsOneGraph(t *testing.T) {
	for _, r := range microRuns(true) {
		r.both(t, nil, 4)
	}
	for _, r := range microRuns(false) {
		if r.method != "barlow_twins" {
			r.both(t, nil, 2)
		}
	}
}

// A run with recomputation is the plain one, with the batch
// norms of the whole batch.
func TestRecomputationChangesNothing(t *testing.T) {
	for _, r := range microRuns(true) {
		r.same(t, nil)
	}
	for _, r := range microRuns(false) {
		r.micro = 4
		r.same(t, nil)
	}
}

// same compares a run with recomputation with one without.
func (r run) same(t *testing.T, g *torch.Group) {
	s := torch.NewScope()
	one, want := r.train(t, s, g)
	r.recompute = true
	st, epochs := r.train(t, s, g)
	equal(t, one, st, want, epochs, fmt.Sprintf("%s, msr %v, recomputed, %d ranks", r.method, r.msr, g.Size()))
	require.NoError(t, s.Close())
}

func TestMicroBatchesOnRanks(t *testing.T) {
	ranktest.Run(t, []int{2}, func(t *testing.T, g *torch.Group) {
		for _, r := range microRuns(false) {
			r.both(t, g, 2)
			r.same(t, g)
			if r.method == "simclr" || r.method == "byol" {
				r.local = true // batch norms of each rank by itself
				r.both(t, g, 2)
				r.same(t, g)
			}
		}
	})
}

// Without batch norms nothing but memory depends on the micro-batches.
func TestWithoutBatchNormMicroBatchesChangeNothing(t *testing.T) {
	for _, space := range []meta.Space{meta.Embedding, meta.Feature} {
		for _, way := range []meta.GradientMethod{meta.ForwardMode, meta.Unrolled, meta.FiniteDifference} {
			s := torch.NewScope()
			p := problem(t, s, "simclr", space, true)
			body := nets.WithDim(nets.Seq(nets.Conv2d(3, 4, 3, 2, 1), nets.Tanh(), nets.GlobalAvgPool()), 4)
			method, err := methods.New("simclr", methods.Config{Temperature: 0.5, Hidden: 8, Dim: 5,
				Projector: func(dim int64) nets.Encoder {
					return nets.WithDim(nets.Seq(nets.Linear(dim, 8), nets.Tanh(), nets.Linear(8, 5)), 5)
				}})
			require.NoError(t, err)
			p.Model, err = model.New(method, body)
			require.NoError(t, err)
			width := p.Model.WeightWidth(space)
			p.MSR = nets.NewMSRWith(nets.Seq(nets.Conv2d(3, 6, 3, 2, 1), nets.Tanh(), nets.GlobalAvgPool(),
				nets.Linear(6, 3*width)), 3, width)
			p.Theta, p.Phi = nets.Initialize(s, p.Model.Params(), torch.Float64()), nets.Initialize(s, p.MSR.Params(),
				torch.Float64())
			p.Buffers, p.PhiBuffers, p.Config.GradientMethod = nil, nil, way
			even := func(b *model.Batch) { // 6 of the 7 pictures
				for v, x := range b.Views {
					b.Views[v] = s.Narrow(x, 0, 0, 6)
				}
				if b.Plain.Defined() {
					b.Plain = s.Narrow(b.Plain, 0, 0, 6)
				}
			}
			even(&p.Inner)
			even(&p.Outer)
			want, err := p.Gradient(s)
			require.NoError(t, err)
			assert.Greater(t, want.NormCT, 0.0)
			for _, m := range []int64{1, 2, 3, 6} {
				p.MicroBatch = int(m)
				got, err := p.Gradient(s)
				require.NoError(t, err)
				assert.InDeltaSlice(t, values(s, want.GradCT), values(s, got.GradCT), 1e-9*want.NormCT,
					"%s, %s, micro-batches of %d",
					space, way, m)
				assert.InDeltaSlice(t, values(s, want.GradUni), values(s, got.GradUni), 1e-12, "%s, %s, micro-batches of %d", space,
					way, m)
				assert.InDeltaSlice(t, values(s, want.Fast), values(s, got.Fast), 1e-12)
				assert.InDelta(t, want.LCtFast, got.LCtFast, 1e-12)
			}
			require.NoError(t, s.Close())
		}
	}
}

// counted tells how often a network runs, and on how many rows at once.
type counted struct {
	nets.Encoder
	rows *[]int64
}

func (c counted) Forward(s *torch.Scope, p, b []torch.Tensor, x torch.Tensor, m nets.Mode) torch.Tensor {
	*c.rows = append(*c.rows, s.Size(x, 0))
	return c.Encoder.Forward(s, p, b, x, m)
}

func TestNetworksRunTwiceOnMicroBatches(t *testing.T) {
	for name, c := range map[string]struct {
		micro     int
		recompute bool
		want      []int64
	}{
		"plain":         {0, false, []int64{14}},
		"micro-batches": {1, false, []int64{2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2}},
		"recomputed":    {0, true, []int64{14, 14}},
	} {
		s := torch.NewScope()
		p := problem(t, s, "simclr", meta.Embedding, true)
		var rows []int64
		method, err := methods.New("simclr", methods.Config{Temperature: 0.5, Hidden: 8, Dim: 5})
		require.NoError(t, err)
		m, err := model.New(method, counted{smoothNet(3, 6), &rows})
		require.NoError(t, err)
		theta := nets.Initialize(s, m.Params(), torch.Float64())
		q := &model.Pass{Model: m, Theta: theta, Buffers: nets.Initialize(s, m.Buffers(), torch.Float64()), Batch: p.Inner,
			Mode: nets.Train(), WithoutDoLoss: true,
			Exec: model.Exec{MicroBatch: c.micro, Recompute: c.recompute}}
		q.Gradient(s, func() torch.Tensor { return q.Loss(s, q) })
		assert.Equal(t, c.want, rows, name)
		require.NoError(t, s.Close())
	}
}

// noisy multiplies by random numbers, as dropout does.
type noisy struct{ nets.Encoder }

func (n noisy) Forward(s *torch.Scope, p, b []torch.Tensor, x torch.Tensor, m nets.Mode) torch.Tensor {
	return n.Encoder.Forward(s, p, b, s.Mul(x, s.Normal(1, 0.5, torch.Float64(), s.Shape(x)...)), m)
}

// A micro-batch that runs again draws what it drew before.
func TestMicroBatchesThatRunAgainDrawTheSame(t *testing.T) {
	s := torch.NewScope()
	p := problem(t, s, "simclr", meta.Embedding, true)
	method, err := methods.New("simclr", methods.Config{Temperature: 0.5, Hidden: 8, Dim: 5,
		Projector: func(dim int64) nets.Encoder {
			return noisy{nets.WithDim(nets.Seq(nets.Linear(dim, 8), nets.Tanh(), nets.Linear(8, 5)), 5)}
		}})
	require.NoError(t, err)
	m, err := model.New(method, noisy{smoothNet(3, 6)})
	require.NoError(t, err)
	theta, buffers := nets.Initialize(s, m.Params(), torch.Float64()), nets.Initialize(s, m.Buffers(), torch.Float64())
	gradient := func(micro int, recompute bool) (loss float64, g []float64) {
		require.NoError(t, torch.ManualSeed(6))
		q := &model.Pass{Model: m, Theta: theta, Buffers: buffers, Batch: p.Inner, Mode: nets.Meta(), WithoutDoLoss: true,
			Exec: model.Exec{MicroBatch: micro, Recompute: recompute}}
		g = values(s, q.Gradient(s, func() torch.Tensor {
			l := q.Loss(s, q)
			loss = s.Item(l)
			return l
		}))
		return loss, append(g, values(s, []torch.Tensor{s.Normal(0, 1, torch.Float64(), 1)})...) // as many were drawn
	}
	defer torch.SetGrad(true)()
	_, plain := gradient(0, false)
	_, kept := gradient(0, true)
	assert.InDeltaSlice(t, plain, kept, 1e-12)
	_, divided := gradient(1, false)
	_, both := gradient(1, true)
	assert.InDeltaSlice(t, divided, both, 1e-12)
	// Micro-batches against a difference along the gradient.
	norm := 0.0
	for _, x := range divided[:len(divided)-1] {
		norm += x * x
	}
	here := theta
	along := func(eps float64) float64 {
		theta = s.AddScaled(here, unflatten(s, here, divided), eps)
		loss, _ := gradient(1, false)
		return loss
	}
	const eps = 1e-5
	assert.InDelta(t, norm, (along(eps)-along(-eps))/(2*eps), 1e-6*norm)
	require.NoError(t, s.Close())
}

// unflatten is values undone: the tensors have the shapes of like.
func unflatten(s *torch.Scope, like []torch.Tensor, x []float64) []torch.Tensor {
	out := make([]torch.Tensor, len(like))
	for i, t := range like {
		shape := s.Shape(t)
		n := 1
		for _, d := range shape {
			n *= int(d)
		}
		out[i] = torch.FromSlice(s, x[:n], torch.Float64().Device, shape...)
		x = x[n:]
	}
	return out
}

func TestMicroBatchesThatDoNotDivide(t *testing.T) {
	s := torch.NewScope()
	for _, msr := range []bool{false, true} {
		for _, m := range []int{3, 16, -4} {
			tr := run{method: "simclr", msr: msr, micro: m}.trainer(t, s, nil)
			assert.ErrorContains(t, tr.Run(context.Background()), fmt.Sprintf("micro-batches of %d pictures do not divide 8", m))
		}
	}
	require.NoError(t, s.Close())
}
