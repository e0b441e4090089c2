package meta_test

import (
	"encoding/json"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/sugarme/gotch"

	"github.com/icl-msr/icl-msr/internal/libtorch"
	"github.com/icl-msr/icl-msr/internal/reference"
	"github.com/icl-msr/icl-msr/meta"
	"github.com/icl-msr/icl-msr/methods"
	"github.com/icl-msr/icl-msr/nets"
)

type arrays map[string]reference.Array

// step is one meta step of the reference file.
type step struct {
	Arch string
	Opts struct {
		Tau, Lam, Gamma, T, Alpha float64
		N                         int64
		Space                     string
	}
	X, X1, X2, Y1, Y2 reference.Array
	Theta, Phi        arrays
	A                 reference.Array
	LCt               float64 `json:"L_ct"`
	LMsr              float64 `json:"L_msr"`
	LTo               float64 `json:"L_to"`
	GradTheta         arrays  `json:"grad_theta_Lto"`
	Theta1            arrays
	FiniteDifference  arrays `json:"finite_difference_r0.01"`
	Cases             []struct {
		Batch   string  `json:"meta_batch"`
		LCtFast float64 `json:"L_ct_fast"`
		LUni    float64 `json:"L_uni"`
		GradCT  arrays  `json:"meta_grad_Lct"`
		GradUni arrays  `json:"grad_Luni"`
	}
}

// archs are the reference's networks, built from this project's layers.
func (c step) nets(t *testing.T) (f, g nets.Encoder, phi nets.Network) {
	if strings.HasPrefix(c.Arch, "f: Linear") {
		f = nets.WithDim(nets.Seq(nets.Linear(3, 5), nets.Tanh(), nets.Linear(5, 4)), 4)
		g = nets.WithDim(nets.Seq(nets.Linear(4, 4), nets.ReLU(), nets.Linear(4, 3)), 3)
		phi = nets.Seq(nets.Linear(3, 4), nets.Tanh(), nets.Linear(4, c.Phi["2.bias"].Shape[0]))
		return f, g, phi
	}
	require.True(t, strings.HasPrefix(c.Arch, "f: conv3x3"), c.Arch)
	f = nets.WithDim(nets.Seq(nets.Conv2d(2, 3, 3, 1, 1), nets.BatchNorm(3), nets.ReLU(),
		nets.Conv2d(3, 4, 3, 2, 1), nets.BatchNorm(4), nets.ReLU(), nets.GlobalAvgPool()), 4)
	g = nets.WithDim(nets.Seq(nets.Linear(4, 4), nets.ReLU(), nets.Linear(4, 3)), 3)
	identity := nets.Seq()
	phi = nets.Seq(nets.Conv2d(2, 3, 3, 2, 1), nets.BatchNorm(3), nets.ReLU(), nets.GlobalAvgPool(), identity, nets.Linear(3, 8))
	return f, g, phi
}

func TestReference(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	reference.Each(t, func(t *testing.T, data []byte) (n int) {
		var file map[string]json.RawMessage
		if json.Unmarshal(data, &file) != nil {
			return 0
		}
		for name, raw := range file {
			if strings.HasPrefix(name, "meta_") {
				var c step
				require.NoError(t, json.Unmarshal(raw, &c))
				t.Run(name, func(t *testing.T) { n += c.check(t) })
			}
		}
		if raw, ok := file["do_loss_spaces"]; ok {
			n += checkSpaces(t, raw)
		}
		return n
	})
}

// tensors lists arrays in the order of specs, whose names may have a prefix
// that the file writes otherwise.
func tensors(t *testing.T, s *libtorch.Scope, specs []nets.Spec, as arrays, rename *strings.Replacer) []libtorch.Tensor {
	out := make([]libtorch.Tensor, len(specs))
	for i, spec := range specs {
		a, ok := as[rename.Replace(spec.Name)]
		require.True(t, ok, "no %s", spec.Name)
		out[i] = libtorch.FromSlice(s, a.Data, gotch.CPU, spec.Shape...)
	}
	return out
}

func near(t *testing.T, s *libtorch.Scope, specs []nets.Spec, want arrays, got []libtorch.Tensor, rename *strings.Replacer, rtol float64, what string) {
	t.Helper()
	for i, spec := range specs {
		name := rename.Replace(spec.Name)
		values := libtorch.Slice[float64](s, got[i])
		require.NoError(t, s.Err())
		reference.Near(t, want[name].Data, values, rtol, what+" "+name)
	}
}

func (c step) check(t *testing.T) (n int) {
	s := libtorch.NewScope()
	defer func() { require.NoError(t, s.Close()) }()
	f, g, phiNet := c.nets(t)
	method, err := methods.New("simclr", methods.Config{Temperature: c.Opts.Tau, Hidden: 1, Dim: 1, Projector: func(int64) nets.Encoder { return g }})
	require.NoError(t, err)
	l, err := methods.NewModel(method, f)
	require.NoError(t, err)
	cfg := meta.Default()
	cfg.Lambda, cfg.Gamma, cfg.T, cfg.Alpha, cfg.Weights = c.Opts.Lam, c.Opts.Gamma, c.Opts.T, c.Opts.Alpha, c.Opts.N
	cfg.Space = meta.Space(c.Opts.Space)
	msr := nets.NewMSRWith(phiNet, c.Opts.N, l.WeightWidth(cfg.Space))
	toFile, same := strings.NewReplacer("backbone.", "f.", "projector.", "g."), strings.NewReplacer()
	p := meta.Problem{Model: l, Config: cfg, MSR: msr,
		Theta:      tensors(t, s, l.Params(), c.Theta, toFile),
		Phi:        tensors(t, s, msr.Params(), c.Phi, same),
		Buffers:    nets.Initialize(s, l.Buffers(), libtorch.Float64()),
		PhiBuffers: nets.Initialize(s, msr.Buffers(), libtorch.Float64())}
	array := func(a reference.Array) libtorch.Tensor { return libtorch.FromSlice(s, a.Data, gotch.CPU, a.Shape...) }
	p.Inner = methods.Batch{Plain: array(c.X), Views: []libtorch.Tensor{array(c.X1), array(c.X2)}}
	for _, k := range c.Cases {
		p.Outer = p.Inner
		if k.Batch != "same" {
			p.Outer = methods.Batch{Views: []libtorch.Tensor{array(c.Y1), array(c.Y2)}}
		}
		for _, way := range []meta.Gradient{meta.Unrolled, meta.ForwardMode} {
			p.Config.Gradient = way
			r, err := p.Gradient(s)
			require.NoError(t, err)
			reference.Near(t, []float64{c.LCt, c.LMsr, k.LCtFast, k.LUni}, []float64{r.LCt, r.LMsr, r.LCtFast, r.LUni}, 1e-9, "losses")
			near(t, s, l.Params(), c.Theta1, r.Fast, toFile, 1e-9, "theta1")
			near(t, s, msr.Params(), k.GradCT, r.GradCT, same, 1e-9, string(way)+" gradient of L_ct")
			near(t, s, msr.Params(), k.GradUni, r.GradUni, same, 1e-9, "gradient of L_uni")
			n++
		}
		if c.FiniteDifference != nil && k.Batch == "same" {
			p.Config.Gradient, p.Config.Radius = meta.FiniteDifference, 0.01
			r, err := p.Gradient(s)
			require.NoError(t, err)
			near(t, s, msr.Params(), c.FiniteDifference, r.GradCT, same, 1e-6, "finite difference")
			n++
		}
	}
	return n
}

func checkSpaces(t *testing.T, raw json.RawMessage) (n int) {
	var c struct {
		Z, Logits       reference.Array
		LogitsEmbedding reference.Array `json:"logits_embedding"`
		W1, B1, W2, B2  reference.Array
		Cases           []struct {
			Space, Norm, Per string
			Tau, Loss        float64
			DZ               reference.Array
		}
	}
	require.NoError(t, json.Unmarshal(raw, &c))
	for _, k := range c.Cases {
		if k.Norm != "sigmoid" || k.Per != "image" {
			t.Logf("do_loss_spaces: normalisation %q per %q is not offered", k.Norm, k.Per)
			continue
		}
		s := libtorch.NewScope()
		array := func(a reference.Array) libtorch.Tensor { return libtorch.FromSlice(s, a.Data, gotch.CPU, a.Shape...) }
		g := nets.WithDim(nets.Seq(nets.Linear(6, 7), nets.ReLU(), nets.Linear(7, 5)), 5)
		method, err := methods.New("simclr", methods.Config{Temperature: k.Tau, Hidden: 1, Dim: 1, Projector: func(int64) nets.Encoder { return g }})
		require.NoError(t, err)
		l, err := methods.NewModel(method, nets.WithDim(nets.Seq(), 6))
		require.NoError(t, err)
		head := []libtorch.Tensor{array(c.W1), array(c.B1), array(c.W2), array(c.B2)}
		h, logits := array(c.Z), c.Logits
		if k.Space == "embedding" {
			logits = c.LogitsEmbedding
		}
		s.SetRequiresGrad(true, h)
		// The backbone is the identity: the features are the views.
		half := s.Size(h, 0) / 2
		q := &methods.Pass{Model: l, Theta: head, Mode: nets.Train(), Batch: methods.Batch{Views: []libtorch.Tensor{s.Narrow(h, 0, 0, half), s.Narrow(h, 0, half, half)}}}
		q.Space, q.A = meta.Space(k.Space), s.Sigmoid(array(logits))
		q.Forward(s)
		loss := q.DoLoss(s)
		dz := s.Grad([]libtorch.Tensor{loss}, []libtorch.Tensor{h}, libtorch.GradOptions{})
		reference.Near(t, []float64{k.Loss}, []float64{s.Item(loss)}, 1e-9, "do-loss in "+k.Space)
		reference.Near(t, k.DZ.Data, libtorch.Slice[float64](s, dz[0]), 1e-9, "its gradient in "+k.Space)
		require.NoError(t, s.Close())
		n++
	}
	return n
}
