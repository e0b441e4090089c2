package meta_test

import (
	"fmt"
	"math"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/icl-msr/icl-msr/losses"
	"github.com/icl-msr/icl-msr/meta"
	"github.com/icl-msr/icl-msr/methods"
	"github.com/icl-msr/icl-msr/model"
	"github.com/icl-msr/icl-msr/nets"
	"github.com/icl-msr/icl-msr/torch"
)

// smoothBody is a small backbone without kinks.
type smoothBody struct{ nets.Encoder }

func (smoothBody) Half(channels int64) (nets.Encoder, error) { return smoothNet(channels, 3), nil }

func smoothNet(channels, dim int64) nets.Encoder {
	return nets.WithDim(nets.Seq(nets.Conv2d(channels, 4, 3, 1, 1), nets.BatchNorm(4), nets.Tanh(),
		nets.Conv2d(4, dim, 3, 2, 1), nets.BatchNorm(dim), nets.Tanh(), nets.GlobalAvgPool()), dim)
}

// problem is a meta step of a small ResNet with a batch-norm head, in float64.
// Where smooth is set all networks are smooth: ReLUs give the meta objective
// kinks, which central differences may straddle.
func problem(t *testing.T, s *torch.Scope, name string, space meta.Space, smooth bool) meta.Problem {
	act := nets.ReLU()
	if smooth {
		act = nets.Tanh()
	}
	return problemWith(t, s, name, space, smooth, nets.HeadConfig{Layers: 2, Activation: act}, nil)
}

// problemWith is problem with a head and options of the method.
func problemWith(t *testing.T, s *torch.Scope, name string, space meta.Space, smooth bool, head nets.HeadConfig,
	options map[string]float64) meta.Problem {
	require.NoError(t, torch.ManualSeed(3))
	o := torch.Float64()
	backbone, err := nets.NewBackbone("resnet8", nets.StemCIFAR, 0.0625)
	require.NoError(t, err)
	var body nets.Encoder = backbone
	if smooth {
		body = smoothBody{smoothNet(3, 6)}
	}
	method, err := methods.New(name, methods.Config{Temperature: 0.5, Hidden: 8, Dim: 5, Queue: 16, Pictures: 7,
		Prototypes: []int64{3, 4}, Options: options, Projector: func(dim int64) nets.Encoder {
			head.Hidden, head.Out = 8, 5
			return nets.NewHead(dim, head)
		}})
	require.NoError(t, err)
	l, err := model.New(method, body)
	require.NoError(t, err)
	cfg := meta.Default()
	cfg.NumWeights, cfg.Alpha, cfg.Space = 3, 0.1, space
	msr, err := nets.NewMSR(nets.MSRConfig{Trunk: "conv4", Width: 0.0625, N: 3, C: l.WeightWidth(space)})
	require.NoError(t, err)
	if smooth {
		trunk := nets.Seq(nets.Conv2d(3, 6, 3, 2, 1), nets.BatchNorm(6), nets.Tanh(), nets.GlobalAvgPool(),
			nets.Linear(6, 3*l.WeightWidth(space)))
		msr = nets.NewMSRWith(trunk, 3, l.WeightWidth(space))
	}
	p := meta.Problem{Model: l, Config: cfg, MSR: msr,
		Theta: nets.Initialize(s, l.Params(), o), Buffers: nets.Initialize(s, l.Buffers(), o),
		Phi: nets.Initialize(s, msr.Params(), o), PhiBuffers: nets.Initialize(s, msr.Buffers(), o)}
	p.ModelState = l.InitialState(s, p.Theta, p.Buffers, o)
	p.Clock = model.Clock{Step: 3, Steps: 10, Seed: 1}
	const n = 7 // W-MSE needs more pictures than the 5 dimensions
	views := func() (out []torch.Tensor) {
		for _, v := range l.Views() {
			side := int64(8)
			if v == model.Small {
				side = 6
			}
			out = append(out, s.Normal(0, 1, o, n, 3, side, side))
		}
		return out
	}
	p.Inner = model.Batch{Plain: s.Normal(0, 1, o, n, 3, 16, 16), Views: views(), Indices: s.Arange(0, n, o.Device)}
	p.Outer = model.Batch{Views: views(), Indices: p.Inner.Indices}
	return p
}

func values(s *torch.Scope, ts []torch.Tensor) (out []float64) {
	for _, t := range ts {
		out = append(out, torch.Slice[float64](s, t)...)
	}
	return out
}

func cosine(s *torch.Scope, a, b []torch.Tensor) float64 {
	return s.Dot(a, b) / math.Sqrt(s.Dot(a, a)*s.Dot(b, b))
}

func TestBothExactWaysAgree(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for _, space := range []meta.Space{meta.Embedding, meta.Feature} {
		s := torch.NewScope()
		p := problem(t, s, "simclr", space, false)
		buffers := append(values(s, p.Buffers[:2]), values(s, p.PhiBuffers[:2])...)
		var grads [][]torch.Tensor
		for _, way := range []meta.GradientMethod{meta.Unrolled, meta.ForwardMode, meta.FiniteDifference} {
			p.Config.GradientMethod = way
			r, err := p.Gradient(s)
			require.NoError(t, err)
			grads = append(grads, r.GradCT)
			assert.Greater(t, r.NormCT, 1e-9, "the gradient is not the zero that first-order MAML would give")
		}
		unrolled, forward := values(s, grads[0]), values(s, grads[1])
		scale := 0.0
		for _, g := range unrolled {
			scale = max(scale, math.Abs(g))
		}
		assert.InDeltaSlice(t, unrolled, forward, 1e-9*scale, "%s", space)
		assert.Equal(t, buffers, append(values(s, p.Buffers[:2]), values(s, p.PhiBuffers[:2])...),
			"running statistics are untouched")
		fmt.Printf("finite difference, %s space, ReLU network: cosine %.4f to the exact meta gradient\n", space,
			cosine(s, grads[0], grads[2]))
		require.NoError(t, s.Close())
	}
}

// at is a pass of the problem's model whose embeddings are there.
func at(s *torch.Scope, p meta.Problem, theta []torch.Tensor, b model.Batch, a torch.Tensor) *model.Pass {
	q := &model.Pass{Model: p.Model, Theta: theta, Buffers: p.Buffers, State: p.ModelState, Batch: b, Mode: nets.Meta(),
		Clock: p.Clock, Space: p.Config.Space, A: a}
	q.Targets(s)
	q.Forward(s)
	return q
}

// fast is theta1 (eq. 7) and L_uni as functions of phi, computed plainly.
func fast(s *torch.Scope, p meta.Problem, phi []torch.Tensor) (theta1 []torch.Tensor, uniformity float64) {
	a := p.MSR.Forward(s, phi, p.PhiBuffers, p.Inner.Plain, nets.Meta())
	theta := s.Leaves(p.Theta)
	q := at(s, p, theta, p.Inner, s.Detach(a))
	total := s.Add(q.Loss(s, q), s.MulScalar(q.DoLoss(s), p.Config.Lambda))
	grad := s.Grad([]torch.Tensor{total}, theta, torch.GradOptions{})
	return meta.FastWeights(s, p.Theta, grad, p.Config.Alpha), s.Item(losses.WeightUniformity(s, a, p.Config.UniformityT))
}

// stopped are the methods that hold a part of their loss constant which depends
// on theta. What descends is then not the gradient of the loss's value.
var stopped = map[string]bool{"simsiam": true, "swav": true, "relic": true}

// objective returns eq. 8 as a function of phi. Where the method stops
// gradients, L_ct is replaced by its differential at theta1.
func objective(s *torch.Scope, p meta.Problem) func(phi []torch.Tensor) float64 {
	theta1, _ := fast(s, p, p.Phi)
	leaves := s.Leaves(s.DetachAll(theta1))
	q := at(s, p, leaves, p.Outer, torch.Tensor{})
	v := s.Grad([]torch.Tensor{q.Loss(s, q)}, leaves, torch.GradOptions{})
	return func(phi []torch.Tensor) float64 {
		theta1, uniformity := fast(s, p, phi)
		if stopped[p.Model.Name()] {
			return s.Dot(v, theta1) + p.Config.Gamma*uniformity
		}
		q := at(s, p, theta1, p.Outer, torch.Tensor{})
		return s.Item(q.Loss(s, q)) + p.Config.Gamma*uniformity
	}
}

// Every method of the registry, in both spaces.
func TestMetaGradientAgreesWithCentralDifferences(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for _, name := range methods.Names() {
		for _, space := range []meta.Space{meta.Embedding, meta.Feature} {
			s := torch.NewScope()
			p := problem(t, s, name, space, true)
			p.Config.Gamma = 1
			p.Config.GradientMethod = meta.Unrolled
			unrolled, err := p.Gradient(s)
			require.NoError(t, err, name)
			p.Config.GradientMethod = meta.ForwardMode
			r, err := p.Gradient(s)
			require.NoError(t, err, name)
			assert.InDelta(t, 1, cosine(s, unrolled.GradCT, r.GradCT), 1e-9, "%s, %s", name, space)
			assert.InEpsilon(t, unrolled.NormCT, r.NormCT, 1e-7, "%s, %s", name, space)
			againstDifferences(t, s, p, r, fmt.Sprintf("%s, %s", name, space))
			require.NoError(t, s.Close())
		}
	}
}

// againstDifferences compares a meta gradient with central differences, in two
// directions.
func againstDifferences(t *testing.T, s *torch.Scope, p meta.Problem, r meta.Result, what string) {
	for trial := range 2 {
		direction := make([]torch.Tensor, len(p.Phi))
		for i, spec := range p.MSR.Params() {
			direction[i] = s.Normal(0, 1, torch.Float64(), spec.Shape...)
		}
		const eps = 1e-5
		for _, gamma := range []float64{0, 1} {
			p.Config.Gamma = gamma
			grad := r.GradCT
			if gamma == 1 {
				grad = r.Grad
			}
			value := objective(s, p)
			difference := (value(s.AddScaled(p.Phi, direction, eps)) - value(s.AddScaled(p.Phi, direction, -eps))) / (2 * eps)
			scale := math.Sqrt(s.Dot(grad, grad) * s.Dot(direction, direction))
			assert.InDelta(t, s.Dot(grad, direction), difference, 1e-5*scale, "%s, gamma %g, direction %d", what, gamma, trial)
		}
	}
}

func TestGammaBalanceAndAblations(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	s := torch.NewScope()
	p := problem(t, s, "simclr", meta.Embedding, false)
	p.Config.GammaBalance = true
	r, err := p.Gradient(s)
	require.NoError(t, err)
	scaled := s.AddScaled(r.Grad, r.GradCT, -1)
	assert.InEpsilon(t, r.NormCT, math.Sqrt(s.Dot(scaled, scaled)), 1e-9, "both parts have one norm")
	p.Config.GammaBalance, p.Config.Ablation = false, meta.NoUniformity
	r, err = p.Gradient(s)
	require.NoError(t, err)
	assert.Equal(t, values(s, r.GradCT), values(s, r.Grad))
	p.Config.Ablation = meta.UniformityOnly
	r, err = p.Gradient(s)
	require.NoError(t, err)
	assert.Equal(t, values(s, r.GradUni), values(s, r.Grad))
	require.NoError(t, s.Close())
}
