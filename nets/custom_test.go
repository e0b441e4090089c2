package nets_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/icl-msr/icl-msr/nets"
	"github.com/icl-msr/icl-msr/torch"
)

// skipped is a network of a program's own: x + body(x), and the negative of x in training.
type skipped struct{ nets.Network }

func (n skipped) Forward(s *torch.Scope, p, b []torch.Tensor, x torch.Tensor, m nets.Mode) torch.Tensor {
	if m.Training() {
		x = s.Neg(x)
	}
	return s.Add(x, n.Network.Forward(s, p, b, x, m))
}

func (n skipped) Describe(g *nets.Graph, prefix string, x int) int {
	y := g.Network(n.Network, nets.Dotted(prefix, "body"), x)
	return g.Add(nets.Node{Op: nets.OpAdd, In: []int{x, y}})
}

// pair is a network with stages of its own.
type pair struct{ first, second nets.Network }

func (n pair) Params() []nets.Spec    { return append(n.first.Params(), n.second.Params()...) }
func (n pair) Buffers() []nets.Spec   { return append(n.first.Buffers(), n.second.Buffers()...) }
func (n pair) Stages() []nets.Network { return []nets.Network{n.first, n.second} }
func (n pair) halves(ts []torch.Tensor) (a, b []torch.Tensor) {
	return ts[:len(n.first.Params())], ts[len(n.first.Params()):]
}

func (n pair) Forward(s *torch.Scope, p, b []torch.Tensor, x torch.Tensor, m nets.Mode) torch.Tensor {
	p1, p2 := n.halves(p)
	return n.second.Forward(s, p2, nil, n.first.Forward(s, p1, nil, x, m), m)
}

func TestACustomNetworkIsWrittenOut(t *testing.T) {
	net := nets.Named(
		nets.Child{Name: "skip", Net: skipped{nets.Seq(nets.Linear(3, 3), nets.ReLU())}},
		nets.Child{Name: "out", Net: nets.Linear(3, 2)},
	)
	g, err := nets.Describe(net)
	require.NoError(t, err)
	assert.Equal(t, []nets.Node{
		{Op: nets.OpLinear, In: []int{0}, Module: "skip.body.0"},
		{Op: nets.OpReLU, In: []int{1}, Module: "skip.body.1"},
		{Op: nets.OpAdd, In: []int{0, 2}},
		{Op: nets.OpLinear, In: []int{3}, Module: "out"},
	}, g.Nodes)
	_, err = nets.Describe(nets.Seq(nets.ReLU(), pair{nets.Linear(2, 2), nets.Tanh()}))
	assert.ErrorContains(t, err, "*nets.Sequential cannot be written out as a graph: nets_test.pair has no "+
		"method Describe")
}

// The stages of a custom network keep one input each, and its gradient is that of the whole.
func TestACustomNetworkIsRecomputedByStage(t *testing.T) {
	s := torch.NewScope()
	defer func() { require.NoError(t, s.Close()) }()
	net := pair{nets.Linear(3, 4), nets.Seq(nets.Tanh(), nets.Linear(4, 2))}
	p := nets.Initialize(s, net.Params(), torch.Float64())
	x, seed := s.Normal(0, 1, torch.Float64(), 5, 3), s.Normal(0, 1, torch.Float64(), 5, 2)
	leaves := s.Leaves(p)
	y := net.Forward(s, leaves, nil, x, nets.Train())
	want := s.Grad([]torch.Tensor{y}, leaves, torch.GradOptions{Seeds: []torch.Tensor{seed}})
	before := s.Len()
	c := nets.Recompute(s, net, p, nil, x, nets.Train())
	assert.Equal(t, 3, s.Len()-before, "the outputs of two linear layers and of a tanh")
	got := c.Pull(s, seed)
	require.Len(t, got, 4)
	for i := range want {
		assert.InDeltaSlice(t, torch.Slice[float64](s, want[i]), torch.Slice[float64](s, got[i]), 1e-12)
	}
}

func TestAModeTellsWhetherANetworkTrains(t *testing.T) {
	for name, c := range map[string]struct {
		mode              nets.Mode
		training, updates bool
	}{
		"train":             {nets.Train(), true, true},
		"train, no updates": {nets.Train().WithoutUpdate(), true, false},
		"meta":              {nets.Meta(), true, false},
		"evaluation":        {nets.Eval(), false, false},
	} {
		assert.Equal(t, c.training, c.mode.Training(), name)
		assert.Equal(t, c.updates, c.mode.Updates(), name)
	}
	s := torch.NewScope()
	defer func() { require.NoError(t, s.Close()) }()
	net, x := skipped{nets.ReLU()}, s.Full(1, torch.Float64(), 1)
	assert.Equal(t, 2.0, s.Item(net.Forward(s, nil, nil, x, nets.Eval())))
	assert.Equal(t, -1.0, s.Item(net.Forward(s, nil, nil, x, nets.Meta())))
}
