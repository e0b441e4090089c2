package nets_test

import (
	"encoding/json"
	"math"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/sugarme/gotch"
	"github.com/sugarme/gotch/ts"

	"github.com/icl-msr/icl-msr/internal/devicetest"
	"github.com/icl-msr/icl-msr/internal/reference"
	"github.com/icl-msr/icl-msr/nets"
	"github.com/icl-msr/icl-msr/torch"
)

// formula makes the reference's parameters: scale*sin(0.37 j + len(name)), plus 1 for weights of batch norms.
func formula(s *torch.Scope, spec nets.Spec) torch.Tensor {
	n, fan := int64(1), int64(1)
	for i, d := range spec.Shape {
		n *= d
		if i > 0 {
			fan *= d
		}
	}
	scale, shift := 0.1, 0.0
	if len(spec.Shape) >= 2 {
		scale = 1 / math.Sqrt(float64(fan))
	} else if spec.Name[len(spec.Name)-6:] == "weight" {
		shift = 1
	}
	wave := sinusoid(s, n, 0.37, float64(len(spec.Name)), (*ts.Tensor).MustSin)
	return s.Reshape(s.AddScalar(s.MulScalar(wave, scale), shift), spec.Shape...)
}

// sinusoid is f(step*j + phase), j = 0..n-1. It uses LibTorch's own sine: at some of these points the last bit of a
// sine changes the eighth digit of a gradient.
func sinusoid(s *torch.Scope, n int64, step, phase float64, f func(*ts.Tensor, bool) *ts.Tensor) torch.Tensor {
	j := s.To(s.Arange(0, n, gotch.CPU), torch.Float64())
	g := f(s.ToGotch(s.AddScalar(s.MulScalar(j, step), phase)), true)
	defer g.MustDrop()
	return s.FromGotch(g)
}

func TestReference(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	type resnetCase struct {
		Arch, Stem string
		InputShape []int64 `json:"input_shape"`
		Parameters map[string][]int64
		TrainHead  [][]float64 `json:"train_features_head"`
		TrainSum   []float64   `json:"train_features_sum"`
		Loss       float64
		GradNorms  map[string]float64 `json:"grad_norms"`
		MeanHead   []float64          `json:"running_mean_head"`
		VarHead    []float64          `json:"running_var_head"`
		EvalHead   [][]float64        `json:"eval_features_head"`
	}
	reference.Each(t, func(t *testing.T, data []byte) (n int) {
		var file struct {
			RTol  float64
			Cases []resnetCase
		}
		if json.Unmarshal(data, &file) != nil {
			return 0
		}
		for _, c := range file.Cases {
			if c.Arch == "" {
				continue
			}
			n++
			t.Run(c.Arch+"-"+c.Stem, func(t *testing.T) {
				net, err := nets.NewBackbone(c.Arch, nets.Stem(c.Stem), 1)
				require.NoError(t, err)
				require.Len(t, net.Params(), len(c.Parameters))
				for _, spec := range net.Params() {
					require.Equal(t, c.Parameters[spec.Name], spec.Shape, spec.Name)
				}
				require.Equal(t, "bn1.running_mean", net.Buffers()[0].Name)
				want := map[string][]float64{"sum of features": c.TrainSum, "train features": heads(c.TrainHead), "loss": {c.Loss},
					"running mean": c.MeanHead, "running variance": c.VarHead, "eval features": heads(c.EvalHead)}
				for name, norm := range c.GradNorms {
					want["gradient of "+name] = []float64{norm}
				}
				// Another processor's order of sums may change a value as much as the last bits of the input do.
				// PyTorch's own values differ by as much between machines if batch norm has few pixels.
				for _, o := range devicetest.Options(t) {
					got, other := measure(t, net, c.InputShape, 1, o), measure(t, net, c.InputShape, 1+1e-15, o)
					cpu := map[string][]float64{}
					for _, y := range devicetest.Yardsticks(o) {
						cpu = measure(t, net, c.InputShape, 1, y)
					}
					for name := range want {
						rtol := max(file.RTol, 8*difference(got[name], other[name]))
						if own, ok := cpu[name]; ok {
							rtol = max(rtol, devicetest.Tolerance(devicetest.Error(want[name], own)))
						} else {
							require.Less(t, rtol, 1e-4, name)
						}
						reference.Near(t, want[name], got[name], rtol, name)
					}
				}
			})
		}
		return n
	})
}

// measure computes the reference's values of a network, for its input times scale.
func measure(t *testing.T, net nets.Network, shape []int64, scale float64, o torch.Options) map[string][]float64 {
	s := torch.NewScope()
	defer func() { require.NoError(t, s.Close()) }()
	specs := net.Params()
	p := make([]torch.Tensor, len(specs))
	for i, spec := range specs {
		p[i] = s.To(formula(s, spec), o)
	}
	s.SetRequiresGrad(true, p...)
	b := nets.Initialize(s, net.Buffers(), o)
	in := s.Reshape(sinusoid(s, shape[0]*shape[1]*shape[2]*shape[3], 0.11, 0, (*ts.Tensor).MustCos), shape...)
	in = s.To(s.MulScalar(in, scale), o)
	y := net.Forward(s, p, b, in, nets.Train())
	loss := s.Mean(s.Square(y))
	grads := s.Grad([]torch.Tensor{loss}, p, torch.GradOptions{})
	features := devicetest.Values(s, y)
	require.NoError(t, s.Err())
	out := map[string][]float64{
		"sum of features":  rowSums(features, 2),
		"train features":   firsts(features, 2, 8),
		"loss":             {s.Item(loss)},
		"running mean":     devicetest.Values(s, b[0])[:8],
		"running variance": devicetest.Values(s, b[1])[:8],
	}
	for i, spec := range specs {
		out["gradient of "+spec.Name] = []float64{math.Sqrt(s.Dot(grads[i:i+1], grads[i:i+1]))}
	}
	require.Equal(t, []int64{1}, torch.Slice[int64](s, b[2]))
	out["eval features"] = firsts(devicetest.Values(s, net.Forward(s, p, b, in, nets.Eval())), 2, 8)
	require.NoError(t, s.Err())
	return out
}

// difference is the largest difference relative to the largest entry.
func difference(x, y []float64) float64 {
	most, scale := 0.0, 1e-300
	for i := range x {
		most, scale = max(most, math.Abs(x[i]-y[i])), max(scale, math.Abs(x[i]))
	}
	return most / scale
}

func rowSums(x []float64, rows int) []float64 {
	out := make([]float64, rows)
	for i, v := range x {
		out[i/(len(x)/rows)] += v
	}
	return out
}

func firsts(x []float64, rows, n int) (out []float64) {
	for r := range rows {
		out = append(out, x[r*len(x)/rows:][:n]...)
	}
	return out
}

func heads(rows [][]float64) (out []float64) {
	for _, r := range rows {
		out = append(out, r...)
	}
	return out
}
