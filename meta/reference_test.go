package meta_test

import (
	"encoding/json"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/sugarme/gotch"

	"github.com/icl-msr/icl-msr/internal/devicetest"
	"github.com/icl-msr/icl-msr/internal/reference"
	"github.com/icl-msr/icl-msr/meta"
	"github.com/icl-msr/icl-msr/methods"
	"github.com/icl-msr/icl-msr/model"
	"github.com/icl-msr/icl-msr/nets"
	"github.com/icl-msr/icl-msr/torch"
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
	phi = nets.Seq(nets.Conv2d(2, 3, 3, 2, 1), nets.BatchNorm(3), nets.ReLU(), nets.GlobalAvgPool(), identity,
		nets.Linear(3, 8))
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
func tensors(t *testing.T, s *torch.Scope, o torch.Options, specs []nets.Spec, as arrays,
	rename *strings.Replacer) []torch.Tensor {
	out := make([]torch.Tensor, len(specs))
	for i, spec := range specs {
		a, ok := as[rename.Replace(spec.Name)]
		require.True(t, ok, "no %s", spec.Name)
		out[i] = s.To(torch.FromSlice(s, a.Data, gotch.CPU, spec.Shape...), o)
	}
	return out
}

// figure is a reference value, or several, beside what this package has.
type figure struct {
	what      string
	want, got []float64
	rtol      float64
}

// compare requires the figures that measure makes to be the reference's, in each of
// devicetest's ways, and returns how many there are.
func compare(t *testing.T, measure func(o torch.Options) []figure) (n int) {
	for _, o := range devicetest.Options(t) {
		figures, slack := measure(o), map[string]float64{}
		for _, y := range devicetest.Yardsticks(o) {
			for _, f := range measure(y) {
				slack[f.what] = devicetest.Tolerance(devicetest.Error(f.want, f.got))
			}
		}
		for _, f := range figures {
			reference.Near(t, f.want, f.got, max(f.rtol, slack[f.what]), f.what)
		}
		n = len(figures)
	}
	return n
}

// each makes figures of tensors, by the names of specs.
func each(s *torch.Scope, specs []nets.Spec, want arrays, got []torch.Tensor, rename *strings.Replacer, rtol float64,
	what string) (out []figure) {
	for i, spec := range specs {
		name := rename.Replace(spec.Name)
		out = append(out, figure{what + " " + name, want[name].Data, devicetest.Values(s, got[i]), rtol})
	}
	return out
}

// check counts a case for each batch and way of the meta gradient.
func (c step) check(t *testing.T) (n int) {
	compare(t, func(o torch.Options) (out []figure) {
		require.NoError(t, torch.With(func(s *torch.Scope) error {
			out, n = c.measure(t, s, o)
			return s.Err()
		}))
		return out
	})
	return n
}

// problem is the file's meta step, and the names of its parameters there.
func (c step) problem(t *testing.T, s *torch.Scope, o torch.Options) (p meta.Problem, toFile *strings.Replacer) {
	f, g, phiNet := c.nets(t)
	method, err := methods.New("simclr", methods.Config{Temperature: c.Opts.Tau, Hidden: 1, Dim: 1,
		Projector: func(int64) nets.Encoder { return g }})
	require.NoError(t, err)
	l, err := model.New(method, f)
	require.NoError(t, err)
	cfg := meta.Default()
	cfg.Lambda, cfg.Gamma, cfg.Alpha = c.Opts.Lam, c.Opts.Gamma, c.Opts.Alpha
	cfg.UniformityT, cfg.NumWeights = c.Opts.T, c.Opts.N
	cfg.Space = meta.Space(c.Opts.Space)
	msr := nets.NewMSRWith(phiNet, c.Opts.N, l.WeightWidth(cfg.Space))
	toFile = strings.NewReplacer("backbone.", "f.", "projector.", "g.")
	return meta.Problem{Model: l, Config: cfg, MSR: msr,
		Theta:      tensors(t, s, o, l.Params(), c.Theta, toFile),
		Phi:        tensors(t, s, o, msr.Params(), c.Phi, strings.NewReplacer()),
		Buffers:    nets.Initialize(s, l.Buffers(), o),
		PhiBuffers: nets.Initialize(s, msr.Buffers(), o)}, toFile
}

// measure returns the figures of all cases, and their number.
func (c step) measure(t *testing.T, s *torch.Scope, o torch.Options) (out []figure, n int) {
	p, toFile := c.problem(t, s, o)
	same, theta, phi := strings.NewReplacer(), p.Model.Params(), p.MSR.Params()
	array := func(a reference.Array) torch.Tensor {
		return s.To(torch.FromSlice(s, a.Data, gotch.CPU, a.Shape...), o)
	}
	p.Inner = model.Batch{Plain: array(c.X), Views: []torch.Tensor{array(c.X1), array(c.X2)}}
	for _, k := range c.Cases {
		p.Outer = p.Inner
		if k.Batch != "same" {
			p.Outer = model.Batch{Views: []torch.Tensor{array(c.Y1), array(c.Y2)}}
		}
		for _, way := range []meta.GradientMethod{meta.Unrolled, meta.ForwardMode} {
			p.Config.GradientMethod = way
			r, err := p.Gradient(s)
			require.NoError(t, err)
			what := k.Batch + ", " + string(way) + ": "
			out = append(out, figure{what + "losses", []float64{c.LCt, c.LMsr, k.LCtFast, k.LUni},
				[]float64{r.LCt, r.LMsr, r.LCtFast, r.LUni}, 1e-9})
			out = append(out, each(s, theta, c.Theta1, r.Fast, toFile, 1e-9, what+"theta1")...)
			out = append(out, each(s, phi, k.GradCT, r.GradCT, same, 1e-9, what+"gradient of L_ct")...)
			out = append(out, each(s, phi, k.GradUni, r.GradUni, same, 1e-9, what+"gradient of L_uni")...)
			n++
		}
		// A difference of two float32 numbers that are nearly one has few digits left.
		if c.FiniteDifference != nil && k.Batch == "same" && o.DType == gotch.Double {
			p.Config.GradientMethod, p.Config.Radius = meta.FiniteDifference, 0.01
			r, err := p.Gradient(s)
			require.NoError(t, err)
			out = append(out, each(s, phi, c.FiniteDifference, r.GradCT, same, 1e-6, "finite difference")...)
			n++
		}
	}
	return out, n
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
		n++
		compare(t, func(o torch.Options) (out []figure) {
			s := torch.NewScope()
			array := func(a reference.Array) torch.Tensor {
				return s.To(torch.FromSlice(s, a.Data, gotch.CPU, a.Shape...), o)
			}
			g := nets.WithDim(nets.Seq(nets.Linear(6, 7), nets.ReLU(), nets.Linear(7, 5)), 5)
			method, err := methods.New("simclr", methods.Config{Temperature: k.Tau, Hidden: 1, Dim: 1,
				Projector: func(int64) nets.Encoder { return g }})
			require.NoError(t, err)
			l, err := model.New(method, nets.WithDim(nets.Seq(), 6))
			require.NoError(t, err)
			head := []torch.Tensor{array(c.W1), array(c.B1), array(c.W2), array(c.B2)}
			h, logits := array(c.Z), c.Logits
			if k.Space == "embedding" {
				logits = c.LogitsEmbedding
			}
			s.SetRequiresGrad(true, h)
			// The backbone is the identity: the features are the views.
			half := s.Size(h, 0) / 2
			q := &model.Pass{Model: l, Theta: head, Mode: nets.Train(),
				Batch: model.Batch{Views: []torch.Tensor{s.Narrow(h, 0, 0, half), s.Narrow(h, 0, half, half)}}}
			q.Space, q.A = meta.Space(k.Space), s.Sigmoid(array(logits))
			q.Forward(s)
			loss := q.DoLoss(s)
			dz := s.Grad([]torch.Tensor{loss}, []torch.Tensor{h}, torch.GradOptions{})
			out = []figure{{"do-loss in " + k.Space, []float64{k.Loss}, devicetest.Values(s, loss), 1e-9},
				{"its gradient in " + k.Space, k.DZ.Data, devicetest.Values(s, dz[0]), 1e-9}}
			require.NoError(t, s.Close())
			return out
		})
	}
	return n
}
