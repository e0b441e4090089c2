package nets_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/icl-msr/icl-msr/nets"
	"github.com/icl-msr/icl-msr/torch"
)

// The steady parameter moves at the rate of Base, the other at that of Step. An optimizer that is restored from a saved
// state continues as one that was not interrupted.
func TestSteadyParameters(t *testing.T) {
	s := torch.NewScope()
	specs := []nets.Spec{{Name: "a", Shape: []int64{2}}, {Name: "b", Shape: []int64{2}}}
	values := func(x ...float64) torch.Tensor { return torch.FromSlice(s, x, torch.Float64().Device, 2) }
	start := func(name string) ([]torch.Tensor, nets.Optimizer) {
		p := []torch.Tensor{values(1, 2), values(3, 4)}
		o, err := nets.NewSteady(s, nets.OptimizerConfig{Name: name, Momentum: 0.5}, specs, p, []bool{false, true})
		require.NoError(t, err)
		o.(nets.Steadied).Base(0.5)
		return p, o
	}
	grads := []torch.Tensor{values(1, -1), values(2, 0)}

	p, o := start("sgd")
	o.Step(s, p, grads, 0.1)
	assert.InDeltaSlice(t, []float64{0.9, 2.1}, torch.Slice[float64](s, p[0]), 1e-12)
	assert.InDeltaSlice(t, []float64{2, 4}, torch.Slice[float64](s, p[1]), 1e-12)
	o.Step(s, p, grads, 0.2) // the momentum adds 0.5 of the last gradient
	assert.InDeltaSlice(t, []float64{0.6, 2.4}, torch.Slice[float64](s, p[0]), 1e-12)
	assert.InDeltaSlice(t, []float64{0.5, 4}, torch.Slice[float64](s, p[1]), 1e-12)
	state, steps := o.State()
	assert.Equal(t, int64(2), steps)
	assert.Equal(t, []string{"a.momentum_buffer", "b.momentum_buffer"}, []string{state[0].Name, state[1].Name})

	p, o = start("adam")
	o.Step(s, p, grads, 0.1)
	assert.InDeltaSlice(
		t, []float64{0.9, 2.1, 2.5, 4}, append(torch.Slice[float64](s, p[0]), torch.Slice[float64](s, p[1])...), 1e-6,
	)
	q, again := start("adam")
	from, _ := o.State()
	to, _ := again.State()
	for i := range from {
		s.Copy(to[i].Tensor, from[i].Tensor)
	}
	for i := range p {
		s.Copy(q[i], p[i])
	}
	again.SetSteps(1)
	o.Step(s, p, grads, 0.1)
	again.Step(s, q, grads, 0.1)
	for i := range p {
		assert.Equal(t, torch.Slice[float64](s, p[i]), torch.Slice[float64](s, q[i]))
	}
	require.NoError(t, s.Close())
}

func TestNothingSteadyIsTheOptimizerItself(t *testing.T) {
	s := torch.NewScope()
	specs := []nets.Spec{{Name: "a", Shape: []int64{1}}}
	o, err := nets.NewSteady(
		s, nets.OptimizerConfig{Name: "sgd"}, specs, nets.Initialize(s, specs, torch.Float64()), []bool{false},
	)
	require.NoError(t, err)
	_, ok := o.(nets.Steadied)
	assert.False(t, ok)
	require.NoError(t, s.Close())
}

// With Matrices, biases and norms do not decay. A gradient of zero moves only what decays.
func TestDecayOfMatricesAlone(t *testing.T) {
	for _, c := range []struct {
		name     string
		matrices bool
		want     []float64 // of a matrix's and a bias's single entry, both 2, after a step of rate 0.1
	}{
		{"sgd", false, []float64{1.9, 1.9}},
		{"sgd", true, []float64{1.9, 2}},
		{"adam", false, []float64{1.9, 1.9}},
		{"adam", true, []float64{1.9, 2}},
	} {
		s := torch.NewScope()
		specs := []nets.Spec{
			{Name: "weight", Shape: []int64{1, 1}, Init: nets.Constant(2)},
			{Name: "bias", Shape: []int64{1}, Init: nets.Constant(2)},
		}
		p := nets.Initialize(s, specs, torch.Float64())
		o, err := nets.NewOptimizer(s, nets.OptimizerConfig{Name: c.name, WeightDecay: 0.5, Matrices: c.matrices}, specs, p)
		require.NoError(t, err)
		o.Step(s, p, []torch.Tensor{s.ZerosLike(p[0]), s.ZerosLike(p[1])}, 0.1)
		got := append(torch.Slice[float64](s, p[0]), torch.Slice[float64](s, p[1])...)
		assert.InDeltaSlice(t, c.want, got, 1e-6, "%s, %v", c.name, c.matrices)
		require.NoError(t, s.Close())
	}
}
