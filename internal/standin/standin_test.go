package standin_test

import (
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/sugarme/gotch"

	"github.com/icl-msr/icl-msr/internal/standin"
	"github.com/icl-msr/icl-msr/losses"
	"github.com/icl-msr/icl-msr/torch"
)

func two(s *torch.Scope) (host, device torch.Tensor) {
	data := []float64{1, 2, 3, 4, 5, 6}
	return torch.FromSlice(s, data, gotch.CPU, 3, 2), torch.FromSlice(s, data, standin.Device(), 3, 2)
}

func TestTheStandInIsADeviceOfItsOwn(t *testing.T) {
	s := torch.NewScope()
	_, x := two(s)
	assert.Equal(t, standin.Device(), s.Like(x).Device)
	y := s.Sub(s.MatMul(x, s.T(x)), s.Arange(0, 3, standin.Device()))
	assert.Equal(t, standin.Device(), s.Like(y).Device)
	before := standin.Counted()
	assert.Equal(t, []float64{5, 10, 15, 11, 24, 37, 17, 38, 59}, torch.Slice[float64](s, y))
	assert.Equal(t, standin.Counts{Reads: 1}, before.Since())
	values, index := s.TopK(y, 1, 1, true)
	assert.Equal(t, []float64{15, 37, 59}, torch.Slice[float64](s, values))
	assert.Equal(t, []int64{2, 2, 2}, torch.Slice[int64](s, index))
	require.NoError(t, s.Close())
}

// Gradients and tangents of a convolution and a batch norm are the CPU's.
func TestDerivativesOnTheStandIn(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer torch.SetGrad(true)()
	s := torch.NewScope()
	x := s.Normal(0, 1, torch.Float64(), 4, 3, 6, 6)
	w, v := s.Normal(0, 1, torch.Float64(), 5, 3, 3, 3), s.Normal(0, 1, torch.Float64(), 5, 3, 3, 3)
	one, zero := s.Full(1, torch.Float64(), 5), s.Zeros(torch.Float64(), 5)
	all := func(o torch.Options) (out []float64) {
		weight := s.Leaves([]torch.Tensor{s.To(w, o)})[0]
		f := func(w []torch.Tensor) []torch.Tensor {
			mode := torch.NormMode{Batch: true, Momentum: 0.1, Eps: 1e-5}
			return []torch.Tensor{s.Mean(s.Square(s.ConvNorm(s.To(x, o), w[0], torch.Norm{Weight: s.To(one, o),
				Bias: s.To(zero, o)}, torch.Tensor{}, 2, 1, true, mode)))}
		}
		g := s.Grad(f([]torch.Tensor{weight}), []torch.Tensor{weight}, torch.GradOptions{CreateGraph: true})[0]
		second := s.Grad([]torch.Tensor{s.Sum(s.Square(g))}, []torch.Tensor{weight}, torch.GradOptions{})[0]
		y, dy := s.JVP(f, []torch.Tensor{s.Detach(weight)}, []torch.Tensor{s.To(v, o)})
		require.NoError(t, s.Err())
		return torch.Slice[float64](s, s.Figures(g, second, y[0], dy[0]))
	}
	device := torch.Float64()
	device.Device = standin.Device()
	want := all(torch.Float64())
	assert.Len(t, want, 2*5*3*3*3+2)
	assert.InDeltaSlice(t, want, all(device), 1e-12)
	require.NoError(t, s.Close())
}

func TestToMixDevicesIsAnErrorThatNamesThePlace(t *testing.T) {
	for name, f := range map[string]func(s *torch.Scope, host, device torch.Tensor){
		"add":    func(s *torch.Scope, host, device torch.Tensor) { s.Add(device, host) },
		"scalar": func(s *torch.Scope, host, device torch.Tensor) { s.Mul(device, s.Sum(host)) },
		"cat":    func(s *torch.Scope, host, device torch.Tensor) { s.Cat(0, device, host) },
		"index": func(s *torch.Scope, _, device torch.Tensor) {
			s.IndexSelect(device, 0, s.Arange(0, 2, gotch.CPU))
		},
		"cosine": func(s *torch.Scope, host, device torch.Tensor) { losses.Alignment(s, device, host, 2) },
	} {
		s := torch.NewScope()
		host, device := two(s)
		require.NoError(t, s.Err())
		f(s, host, device)
		assert.ErrorContains(t, s.Close(), "device", name)
	}
	s := torch.NewScope()
	host, device := two(s)
	losses.ProtoNCE(s, device, device, s.Sum(host), host)
	assert.ErrorContains(t, s.Close(), "losses.ProtoNCE (proto_nce.go:")
}

func TestToReadAValueIsAnErrorThatNamesThePlace(t *testing.T) {
	s := torch.NewScope()
	host, device := two(s)
	allow := standin.Forbid()
	s.Item(s.Sum(host))
	assert.NoError(t, s.Err(), "the CPU's are at hand")
	s.Item(s.Sum(device))
	allow()
	assert.ErrorContains(t, s.Close(), "item() reads a value back, and the host waits for the device")
	_, device = two(s)
	reads := torch.Reads()
	s.Item(s.Sum(device))
	torch.Slice[float64](s, device)
	s.Dot([]torch.Tensor{device}, []torch.Tensor{device})
	assert.Equal(t, int64(3), torch.Reads()-reads)
	require.NoError(t, s.Close())
}

func TestNumbersAreReadLater(t *testing.T) {
	s := torch.NewScope()
	host, device := two(s)
	before := standin.Counted()
	allow := standin.Forbid()
	for _, x := range []torch.Tensor{host, device} {
		first, second, third := s.ReadLater(s.Figures(x, torch.Tensor{})), s.ReadLater(s.Figures(s.Sum(x))), s.ReadLater(x)
		third.Drop()
		v, err := second.Take()
		require.NoError(t, err)
		assert.Equal(t, []float64{21}, v)
		v, err = first.Take()
		require.NoError(t, err)
		assert.Equal(t, []float64{1, 2, 3, 4, 5, 6, 0}, v)
	}
	allow()
	assert.Equal(t, standin.Counts{Late: 3}, before.Since())
	require.NoError(t, s.Close())
}

// A factor that does not exist is NaN where to know it the host would wait.
func TestCholeskyOnADevice(t *testing.T) {
	s := torch.NewScope()
	defer s.Close()
	for _, c := range []struct {
		data []float64
		want float64
	}{{[]float64{4, 2, 2, 5}, 4 + 2 + 2 + 5}, {[]float64{1, 2, 2, 1}, 0}} {
		allow := standin.Forbid()
		l, ok := s.Cholesky(torch.FromSlice(s, c.data, standin.Device(), 2, 2))
		allow()
		assert.True(t, ok)
		got := s.Item(s.Sum(s.MatMul(l, s.T(l))))
		if c.want == 0 {
			assert.NotEqual(t, got, got, "NaN")
		} else {
			assert.InDelta(t, c.want, got, 1e-12)
		}
	}
	require.NoError(t, s.Err())
}
