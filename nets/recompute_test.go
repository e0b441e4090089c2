package nets_test

import (
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/sugarme/gotch"

	"github.com/icl-msr/icl-msr/nets"
	"github.com/icl-msr/icl-msr/torch"
)

// noisy adds random numbers, as dropout does.
type noisy struct{ nets.Encoder }

func (n noisy) Forward(s *torch.Scope, p, b []torch.Tensor, x torch.Tensor, m nets.Mode) torch.Tensor {
	x = s.Mul(x, s.Normal(1, 0.5, torch.Float64(), s.Shape(x)...))
	return n.Encoder.Forward(s, p, b, x, m)
}

// A recomputed evaluation has the output, the gradient and the running statistics of a plain one. It draws the same
// random numbers.
func TestRecompute(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	resnet, err := nets.NewResNet(nets.ResNetConfig{Blocks: []int64{1, 1}, Width: 4, Stem: nets.StemSTL})
	require.NoError(t, err)
	bottleneck, err := nets.NewResNet(nets.ResNetConfig{
		Blocks:     []int64{2},
		Bottleneck: true,
		Width:      4,
		Stem:       nets.StemCIFAR,
	})
	require.NoError(t, err)
	msr, err := nets.NewMSR(nets.MSRConfig{Trunk: "resnet8", Stem: nets.StemCIFAR, Width: 0.0625, N: 2, C: 3})
	require.NoError(t, err)
	for name, n := range map[string]nets.Network{
		"resnet": resnet, "bottleneck": bottleneck, "f_msr": msr,
		"of stages of stages": nets.WithDim(nets.Seq(nets.WithDim(resnet, 8), noisy{nets.NewProjector(8, 5, 3)}), 3),
		"one stage":           noisy{resnet},
	} {
		s := torch.NewScope()
		o := torch.Float64()
		require.NoError(t, torch.ManualSeed(4))
		p, plain := nets.Initialize(s, n.Params(), o), nets.Initialize(s, n.Buffers(), o)
		kept := nets.Initialize(s, n.Buffers(), o)
		x := s.Normal(0, 1, o, 6, 3, 8, 8)

		random := s.Generator(gotch.CPU)
		leaves := s.Leaves(p)
		y := n.Forward(s, leaves, plain, x, nets.Train())
		seed := s.Normal(0, 1, o, s.Shape(y)...)
		want := s.Grad([]torch.Tensor{y}, leaves, torch.GradOptions{Seeds: []torch.Tensor{seed}})
		drawn := s.Generator(gotch.CPU)

		random.Restore(s)
		c := nets.Recompute(s, n, p, kept, x, nets.Train())
		assert.Equal(t, torch.Slice[float64](s, y), torch.Slice[float64](s, c.Output), name)
		s.Normal(0, 1, o, s.Shape(y)...)
		got := c.Pull(s, seed)
		assert.Equal(t, drawn, s.Generator(gotch.CPU), name)
		require.Len(t, got, len(want))
		for i := range want {
			assert.InDeltaSlice(
				t, torch.Slice[float64](s, want[i]), torch.Slice[float64](s, got[i]), 1e-10, "%s: %s", name, n.Params()[i].Name,
			)
		}
		for i, spec := range n.Buffers() {
			assert.Equal(t, s.Bytes(plain[i]), s.Bytes(kept[i]), "%s: %s", name, spec.Name)
		}
		require.NoError(t, s.Close())
	}
}

// A recomputed evaluation keeps the inputs of its stages and the output, and nothing else.
func TestRecomputeKeepsOnlyInputs(t *testing.T) {
	n, err := nets.NewResNet(nets.ResNetConfig{Blocks: []int64{2, 2}, Width: 4, Stem: nets.StemCIFAR})
	require.NoError(t, err)
	s := torch.NewScope()
	p, b := nets.Initialize(s, n.Params(), torch.Float64()), nets.Initialize(s, n.Buffers(), torch.Float64())
	x := s.Normal(0, 1, torch.Float64(), 2, 3, 8, 8)
	before := s.Len()
	c := nets.Recompute(s, n, p, b, x, nets.Train())
	assert.Equal(t, 6, s.Len()-before, "the outputs of the stem, of four blocks and of the mean")
	g := c.Pull(s, s.ZerosLike(c.Output))
	assert.Equal(t, 2+len(g), s.Len()-before, "the output, the seed, the gradients")
	require.NoError(t, s.Close())
}
