package losses_test

import (
	"encoding/json"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/sugarme/gotch"

	"github.com/icl-msr/icl-msr/internal/devicetest"
	"github.com/icl-msr/icl-msr/internal/reference"
	"github.com/icl-msr/icl-msr/losses"
	"github.com/icl-msr/icl-msr/torch"
)

type referenceCase struct {
	Loss   string
	Params map[string]float64
	Inputs map[string]reference.Array
	Value  float64
	Grads  map[string]reference.Array
}

// known lists the losses of this package by their names in the reference files.
func known() map[string]lossFunction {
	type (
		scope   = *torch.Scope
		tensor  = torch.Tensor
		tensors = map[string]torch.Tensor
	)
	pair := func(in tensors) losses.Pair { return losses.NewPair(in["z1"], in["z2"]) }
	return map[string]func(s scope, c referenceCase, in tensors) tensor{
		"nt_xent": func(s scope, c referenceCase, in tensors) tensor { return losses.NTXent(s, pair(in), c.Params["tau"]) },
		"do": func(s scope, c referenceCase, in tensors) tensor {
			return losses.Do(s, pair(in), in["weights"], c.Params["tau"])
		},
		"weight_uniformity": func(s scope, c referenceCase, in tensors) tensor {
			return losses.WeightUniformity(s, in["weights"], c.Params["t"])
		},
		"cross_view_nce": func(s scope, c referenceCase, in tensors) tensor {
			return losses.CrossViewNCE(s, pair(in), c.Params["tau"])
		},
		"info_nce_queue": func(s scope, c referenceCase, in tensors) tensor {
			return losses.InfoNCEQueue(s, in["q"], in["k"], in["queue"], c.Params["tau"])
		},
		"debiased": func(s scope, c referenceCase, in tensors) tensor {
			return losses.Debiased(s, pair(in), c.Params["tau"], c.Params["tau_plus"])
		},
		"large_margin": func(s scope, c referenceCase, in tensors) tensor {
			p := c.Params
			return losses.LargeMargin(s, pair(in), p["tau"], p["weight"], p["delta_plus"], p["delta_minus"])
		},
		"byol": func(s scope, _ referenceCase, in tensors) tensor {
			return losses.BYOL(s, in["p1"], in["p2"], in["t1"], in["t2"])
		},
		"simsiam": func(s scope, _ referenceCase, in tensors) tensor {
			return losses.SimSiam(s, in["p1"], in["p2"], in["t1"], in["t2"])
		},
		"barlow_twins": func(s scope, c referenceCase, in tensors) tensor {
			return losses.BarlowTwins(s, in["z1"], in["z2"], c.Params["lambda_"])
		},
		"w_mse": func(s scope, c referenceCase, in tensors) tensor {
			return losses.WMSE(s, []tensor{in["z1"], in["z2"]}, losses.WMSEConfig{Eps: c.Params["eps"]})
		},
		"ressl": func(s scope, c referenceCase, in tensors) tensor {
			return losses.ReSSL(s, in["student"], in["teacher"], in["queue"], c.Params["tau_student"], c.Params["tau_teacher"])
		},
		"relic": func(s scope, c referenceCase, in tensors) tensor {
			return losses.RELIC(s, pair(in), c.Params["tau"], c.Params["alpha"])
		},
		"ssl_hsic": func(s scope, c referenceCase, in tensors) tensor {
			return losses.SSLHSIC(s, in["z1"], in["z2"], c.Params["gamma"], c.Params["c"])
		},
		"swav": func(s scope, c referenceCase, in tensors) tensor {
			return losses.SwAV(s, []tensor{in["s1"], in["s2"]}, nil,
				losses.SwAVConfig{Tau: c.Params["tau"], Epsilon: c.Params["epsilon"], Iterations: int(c.Params["iterations"])})
		},
		"alignment": func(s scope, c referenceCase, in tensors) tensor {
			return losses.Alignment(s, in["z1"], in["z2"], c.Params["alpha"])
		},
		"uniformity": func(s scope, c referenceCase, in tensors) tensor {
			return losses.Uniformity(s, in["z"], c.Params["t"])
		},
		"decoupled": func(s scope, c referenceCase, in tensors) tensor {
			return losses.Decoupled(s, pair(in), c.Params["tau"], c.Params["sigma"])
		},
		"vicreg": func(s scope, c referenceCase, in tensors) tensor {
			return losses.VICReg(s, in["z1"], in["z2"], c.Params["invariance"], c.Params["variance"], c.Params["covariance"])
		},
		"do_queue": func(s scope, c referenceCase, in tensors) tensor {
			b := pair(in)
			b.Queue = in["queue"]
			return losses.Do(s, b, in["weights"], c.Params["tau"])
		},
		"cpc": func(s scope, c referenceCase, in tensors) tensor {
			return losses.CPC(s, in["p"], in["t"], int64(c.Params["ahead"]), c.Params["scale"])
		},
		"proto_nce": func(s scope, c referenceCase, in tensors) tensor {
			own := torch.FromSlice(s, whole(c.Inputs["own"].Data), s.Like(in["z"]).Device, c.Inputs["own"].Shape...)
			return losses.ProtoNCE(s, in["z"], in["centroids"], in["density"], own)
		},
		"swav_views": func(s scope, c referenceCase, in tensors) tensor {
			return losses.SwAV(s, []tensor{in["s1"], in["s2"], in["s3"], in["s4"]}, []tensor{in["e1"], in["e2"]},
				losses.SwAVConfig{Tau: c.Params["tau"], Epsilon: c.Params["epsilon"], Iterations: int(c.Params["iterations"])})
		},
		"w_mse_views": func(s scope, c referenceCase, in tensors) tensor {
			return losses.WMSE(s, []tensor{in["z1"], in["z2"], in["z3"], in["z4"]}, losses.WMSEConfig{
				Size:   int(c.Params["size"]),
				Eps:    c.Params["eps"],
				Orders: [][]int64{nil, whole(c.Inputs["order"].Data)},
			})
		},
	}
}

func whole(xs []float64) []int64 {
	out := make([]int64, len(xs))
	for i, x := range xs {
		out[i] = int64(x)
	}
	return out
}

// lossFunction is a loss of this package as a function of a case's inputs.
type lossFunction = func(s *torch.Scope, c referenceCase, in map[string]torch.Tensor) torch.Tensor

// wanted returns the reference's value and gradients by name.
func (c referenceCase) wanted() map[string][]float64 {
	out := map[string][]float64{c.Loss: {c.Value}}
	for name, g := range c.Grads {
		out[c.Loss+" by "+name] = g.Data
	}
	return out
}

// measure computes the same by this package.
func (c referenceCase) measure(t *testing.T, o torch.Options, f lossFunction) map[string][]float64 {
	s := torch.NewScope()
	defer func() { require.NoError(t, s.Close(), c.Loss) }()
	in := map[string]torch.Tensor{}
	for name, a := range c.Inputs {
		in[name] = s.To(torch.FromSlice(s, a.Data, gotch.CPU, a.Shape...), o)
	}
	for name := range c.Grads {
		s.SetRequiresGrad(true, in[name])
	}
	loss := f(s, c, in)
	out := map[string][]float64{c.Loss: devicetest.Values(s, loss)}
	for name := range c.Grads {
		g := s.Grad([]torch.Tensor{loss}, []torch.Tensor{in[name]}, torch.GradOptions{RetainGraph: true})
		out[c.Loss+" by "+name] = devicetest.Values(s, g[0])
	}
	return out
}

func TestReference(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	reference.Each(t, func(t *testing.T, data []byte) (n int) {
		var file struct {
			RTol  float64
			Cases []referenceCase
		}
		if json.Unmarshal(data, &file) != nil {
			return 0
		}
		table := known()
		for _, c := range file.Cases {
			if c.Loss == "" {
				continue
			}
			f, ok := table[c.Loss]
			if !ok {
				t.Errorf("loss %q is not known", c.Loss)
				continue
			}
			n++
			for _, o := range devicetest.Options(t) {
				got, rtol := c.measure(t, o, f), file.RTol
				want := c.wanted()
				for _, cpu := range devicetest.Yardsticks(o) {
					own := c.measure(t, cpu, f)
					for name := range want {
						rtol = max(rtol, devicetest.Tolerance(devicetest.Error(want[name], own[name])))
					}
				}
				for name := range want {
					reference.Near(t, want[name], got[name], rtol, name)
				}
			}
		}
		return n
	})
}
