package torch_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/sugarme/gotch"

	"github.com/icl-msr/icl-msr/internal/ranktest"
	"github.com/icl-msr/icl-msr/torch"
)

// unit is a ResNet's unit: relu(norm(conv(x)) + residual).
type unit struct {
	shape          []int64 // of a rank's rows; without a picture [n, c] there is no convolution
	innermost      bool    // channels
	residual, relu bool
	threads        int
}

// outcome is everything that a unit gives: its result, running statistics, its
// gradients, and those of a gradient.
func (u unit) outcome(t *testing.T, s *scope, g *torch.Group, o torch.Options) []tensor {
	require.NoError(t, torch.SetThreads(u.threads))
	defer func() { require.NoError(t, torch.SetThreads(1)) }()
	require.NoError(t, torch.ManualSeed(3))
	draw := func(mean, deviation float64, shape ...int64) tensor {
		return s.To(s.Normal(mean, deviation, torch.Float64(), shape...), o)
	}
	const ranks = 2
	n, c := u.shape[0], u.shape[1]
	whole := append([]int64{ranks * n}, u.shape[1:]...)
	x, r, along := draw(0.5, 2, whole...), draw(0, 1, whole...), draw(0, 1, whole...)
	if g.Size() > 1 {
		x, r = s.Narrow(x, 0, int64(g.Rank())*n, n), s.Narrow(r, 0, int64(g.Rank())*n, n)
	}
	if u.innermost {
		x, r = s.ChannelsLast(x), s.ChannelsLast(r)
	}
	leaves := s.Leaves([]tensor{x, r, draw(1, 0.3, c), draw(0, 0.3, c), draw(0, 0.1, c, c, 1, 1)})
	x, r = leaves[0], leaves[1]
	p := s.Share(g, leaves[2:], false)
	running := []tensor{s.Zeros(o, c), s.Full(1, o, c)}
	norm := torch.Norm{Weight: p[0], Bias: p[1], Mean: running[0], Var: running[1]}
	m := torch.NormMode{Batch: true, Update: true, Momentum: 0.1, Eps: 1e-5, Group: g}
	var y tensor
	if len(u.shape) == 4 {
		if !u.residual {
			r = tensor{}
		}
		y = s.ConvNorm(x, p[2], norm, r, 1, 0, u.relu, m)
	} else {
		y = s.BatchNorm(x, norm, m)
	}
	y = s.AllGather(g, y)
	loss := s.Mean(s.Mul(s.Square(y), along))
	d := s.Grad([]tensor{loss}, leaves, torch.GradOptions{AllowUnused: true, RetainGraph: true})
	once := s.Grad([]tensor{loss}, leaves, torch.GradOptions{AllowUnused: true, CreateGraph: true})
	again := s.Sum(s.Square(once[2]))
	second := s.Grad([]tensor{again}, leaves, torch.GradOptions{AllowUnused: true})
	out := append([]tensor{y}, running...)
	for _, d := range [][]tensor{d, once, second} {
		for i, x := range d {
			if x.Defined() && i < 2 {
				x = s.AllGather(g, x)
			}
			if x.Defined() {
				out = append(out, s.Detach(x))
			}
		}
	}
	require.NoError(t, s.Err())
	return out
}

// Batch norm's own loops, on tensors of both layouts whose channels and rows do
// not divide, agree with LibTorch's on one process: results, running statistics,
// gradients of both orders.
func TestSynchronisedNormIsLibTorchs(t *testing.T) {
	ranktest.Run(t, []int{1, 2}, func(t *testing.T, g *torch.Group) {
		var units []unit
		for _, innermost := range []bool{false, true} {
			for _, shape := range [][]int64{{3, 37, 25, 25}, {4, 37, 5, 7}, {2, 5, 1, 3}} {
				for k := range 4 {
					units = append(units, unit{shape, innermost, k&1 != 0, k&2 != 0, 1})
				}
			}
		}
		units = append(units, unit{shape: []int64{150, 37}, threads: 1}, unit{shape: []int64{2, 3}, threads: 1})
		for _, u := range units {
			for _, o := range []torch.Options{torch.Float64(), torch.Float32()} {
				s := torch.NewScope()
				want, got := u.outcome(t, s, nil, o), u.outcome(t, s, g, o)
				require.Len(t, got, len(want))
				for i := range want {
					a, b := values64(s, want[i]), values64(s, got[i])
					require.Len(t, b, len(a))
					largest, apart := 1e-3, 0.0
					for k, x := range a {
						largest = max(largest, math.Abs(x))
						apart = max(apart, math.Abs(x-b[k])) // NaN stays
					}
					tolerance := 1e-11
					if o.DType == gotch.Float {
						tolerance = 5e-5
					}
					assert.LessOrEqual(t, apart, tolerance*largest, "%+v, %v: %d", u, o.DType, i)
				}
				require.NoError(t, s.Close())
			}
		}
	})
}

func values64(s *scope, x tensor) []float64 {
	return torch.Slice[float64](s, s.Contiguous(s.To(x, torch.Float64())))
}

// The number of threads moves no bit.
func TestSynchronisedNormHasNoOrderOfThreads(t *testing.T) {
	ranktest.Run(t, []int{1}, func(t *testing.T, g *torch.Group) {
		for _, u := range []unit{{shape: []int64{4000, 37}}, {shape: []int64{3, 37, 25, 25}, residual: true, relu: true},
			{shape: []int64{3, 37, 25, 25}, innermost: true, residual: true, relu: true}} {
			s := torch.NewScope()
			u.threads = 1
			one := u.outcome(t, s, g, torch.Float64())
			u.threads = 2
			two := u.outcome(t, s, g, torch.Float64())
			if len(u.shape) == 4 {
				one = one[:3] // the convolution's gradients are its own matter
			}
			for i := range one {
				assert.Equal(t, s.Bytes(one[i]), s.Bytes(two[i]), "%+v: %d", u, i)
			}
			require.NoError(t, s.Close())
		}
	})
}

// A mean far from zero, of numbers whose squares differ in no digit of float32,
// leaves the variance right; a NaN passes the ReLU.
func TestSynchronisedNormOfHardNumbers(t *testing.T) {
	ranktest.Run(t, []int{1, 2}, func(t *testing.T, g *torch.Group) {
		for _, shape := range [][]int64{{500, 8, 1, 1}, {2, 8, 10, 25}} {
			s := torch.NewScope()
			o, n := torch.Float32(), float64(500*g.Size())
			x := make([]float64, 4000)
			for i := range x {
				x[i] = 30000 + float64(i%2) // of channel c: as many of either in every 16
				if shape[0] == 500 {
					x[i] = 30000 + float64(i/8%2)
				}
			}
			mean, variance := s.Zeros(o, 8), s.Zeros(o, 8)
			norm := torch.Norm{Weight: s.Full(1, o, 8), Bias: s.Zeros(o, 8), Mean: mean, Var: variance}
			in := s.To(torch.FromSlice(s, x, gotch.CPU, shape...), o)
			unit := func(x tensor) tensor {
				eye := s.Reshape(s.To(torch.FromSlice(s, identity(8), gotch.CPU, 8, 8), o), 8, 8, 1, 1)
				return s.ConvNorm(x, eye, norm, tensor{}, 1, 0, true, torch.NormMode{Batch: true, Update: true, Momentum: 1,
					Eps: 1e-5, Group: g})
			}
			unit(in)
			for _, v := range values64(s, variance) {
				assert.InDelta(t, 0.25*n/(n-1), v, 1e-5, fmt.Sprint(shape))
			}
			for _, v := range values64(s, mean) {
				assert.InDelta(t, 30000.5, v, 2e-3)
			}
			x[0] = math.NaN() // of the first channel
			y := values64(s, unit(s.To(torch.FromSlice(s, x, gotch.CPU, shape...), o)))
			assert.True(t, math.IsNaN(y[0]))
			require.NoError(t, s.Close())
		}
	})
}

func identity(n int) []float64 {
	x := make([]float64, n*n)
	for i := range n {
		x[i*n+i] = 1
	}
	return x
}
