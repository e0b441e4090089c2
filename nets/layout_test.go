package nets

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/sugarme/gotch"

	"github.com/icl-msr/icl-msr/torch"
)

func strides(s *torch.Scope, t torch.Tensor) []int64 {
	g := s.ToGotch(t)
	defer g.MustDrop()
	out, err := g.Stride()
	if err != nil {
		s.Fail(err)
	}
	return out
}

// On a GPU, kernels of convolutions have their channels innermost. The choice is tested with tensors of the CPU.
func TestWhereKernelsHaveTheirChannels(t *testing.T) {
	require.NoError(t, torch.With(func(s *torch.Scope) error {
		on := torch.Options{DType: gotch.Float, Device: gotch.CudaBuilder(0)}
		w := s.Normal(0, 1, torch.Float32(), 4, 3, 5, 2)
		assert.Equal(t, []int64{30, 1, 6, 3}, strides(s, kernel(s, w, on)))
		assert.Equal(t, s.Bytes(w), s.Bytes(kernel(s, w, on)), "a checkpoint's order is the same")
		assert.Equal(t, []int64{30, 10, 2, 1}, strides(s, kernel(s, w, torch.Float32())))
		on.DType = gotch.Double
		assert.Equal(t, []int64{30, 10, 2, 1}, strides(s, kernel(s, w, on)))
		m := s.Normal(0, 1, torch.Float32(), 4, 3)
		on.DType = gotch.Float
		assert.Equal(t, []int64{3, 1}, strides(s, kernel(s, m, on)))
		return s.Err()
	}))
}

// pass holds outputs, their gradient, the derivative along it in forward mode, the gradient of the gradient, and the
// parameters after Adam.
type pass struct{ y, g, jvp, second, moved []float64 }

func passOf(t *testing.T, net Network, o torch.Options, innermost bool) (out pass) {
	require.NoError(t, torch.ManualSeed(3))
	require.NoError(t, torch.With(func(s *torch.Scope) error {
		values := func(ts ...torch.Tensor) (out []float64) {
			for _, x := range ts {
				out = append(out, torch.Slice[float64](s, s.To(s.Detach(x), torch.Float64()))...)
			}
			return out
		}
		theta := Initialize(s, net.Params(), o)
		if innermost {
			for i, w := range theta {
				if len(s.Shape(w)) == 4 {
					theta[i] = s.ChannelsLast(w)
				}
			}
		}
		theta = s.Leaves(theta)
		buffers := Initialize(s, net.Buffers(), o)
		x := s.Normal(0, 1, o, 3, 3, 16, 16)
		y := net.Forward(s, theta, buffers, x, Meta().DoubleBackward())
		loss := s.Sum(s.Square(y))
		g := s.Grad([]torch.Tensor{loss}, theta, torch.GradOptions{CreateGraph: true})
		square := s.Sum(s.Square(g[0]))
		second := s.Grad([]torch.Tensor{square}, theta, torch.GradOptions{AllowUnused: true})
		torch.NoGrad(func() {
			v := s.DetachAll(g)
			_, dy := s.JVP(
				func(p []torch.Tensor) []torch.Tensor { return []torch.Tensor{net.Forward(s, p, buffers, x, Meta())} },
				s.DetachAll(theta), v,
			)
			out.jvp = values(dy...)
			moved := s.DetachAll(theta)
			opt, err := NewOptimizer(s, OptimizerConfig{Name: "adam", WeightDecay: 1e-3}, net.Params(), moved)
			require.NoError(t, err)
			out.y, out.g, out.second = values(y), values(v...), values(second[0])
			opt.Step(s, moved, v, 1e-3)
			out.moved = values(moved...)
		})
		return s.Err()
	}))
	return out
}

// Where kernels have their channels changes a step by rounding only.
func TestLayoutsGiveTheSameValues(t *testing.T) {
	resnet, err := NewResNet(ResNetConfig{Blocks: []int64{1, 1}, Width: 16, Stem: StemSTL})
	require.NoError(t, err)
	msr, err := NewMSR(MSRConfig{Trunk: "conv4", Width: 0.5, N: 2, C: 5})
	require.NoError(t, err)
	for name, net := range map[string]Network{"ResNet": resnet, "f_msr": msr} {
		for _, k := range []struct {
			o   torch.Options
			tol float64
		}{{torch.Float64(), 1e-10}, {torch.Float32(), 2e-3}} {
			a, b := passOf(t, net, k.o, false), passOf(t, net, k.o, true)
			near(t, name+": values", a.y, b.y, k.tol)
			near(t, name+": gradient", a.g, b.g, k.tol)
			near(t, name+": forward mode", a.jvp, b.jvp, k.tol)
			near(t, name+": second derivative", a.second, b.second, k.tol)
			near(t, name+": after Adam", a.moved, b.moved, k.tol)
		}
	}
}

// near compares relative to the largest entry.
func near(t *testing.T, what string, a, b []float64, tol float64) {
	t.Helper()
	require.Equal(t, len(a), len(b), what)
	require.NotEmpty(t, a, what)
	var apart, most float64
	for i := range a {
		apart, most = max(apart, a[i]-b[i], b[i]-a[i]), max(most, a[i], -a[i])
	}
	assert.LessOrEqual(t, apart, tol*most, what)
	assert.Positive(t, most, what)
}
