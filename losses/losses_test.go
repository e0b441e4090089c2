package losses_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/sugarme/gotch"

	"github.com/icl-msr/icl-msr/losses"
	"github.com/icl-msr/icl-msr/torch"
)

// batch draws embeddings of 6 pictures and their weights.
func batch(t *testing.T, s *torch.Scope) (z1, z2, a torch.Tensor) {
	require.NoError(t, torch.ManualSeed(4))
	o := torch.Float64()
	return s.Normal(0, 1, o, 6, 5), s.Normal(0, 1, o, 6, 5), s.Uniform(0, 1, o, 6, 3, 5)
}

func both(s *torch.Scope, b losses.Pair, a torch.Tensor, tau float64) []float64 {
	return []float64{s.Item(losses.NTXent(s, b, tau)), s.Item(losses.Do(s, b, a, tau))}
}

func TestThePicturesOrderAndTheEmbeddingsScaleDoNotMatter(t *testing.T) {
	s := torch.NewScope()
	z1, z2, a := batch(t, s)
	want := both(s, losses.NewPair(z1, z2), a, 0.5)
	order := torch.FromSlice(s, []int64{3, 0, 5, 1, 4, 2}, gotch.CPU, 6)
	pick := func(x torch.Tensor) torch.Tensor { return s.IndexSelect(x, 0, order) }
	assert.InDeltaSlice(t, want, both(s, losses.NewPair(pick(z1), pick(z2)), pick(a), 0.5), 1e-12)
	assert.InDeltaSlice(t, want, both(s, losses.NewPair(z2, z1), a, 0.5), 1e-12, "the views are equals")
	for _, scale := range []float64{1e-200, 1e-10, 1e10, 1e200} {
		assert.InDeltaSlice(t, want, both(s, losses.NewPair(s.MulScalar(z1, scale), z2), a, 0.5), 1e-12)
		assert.InDeltaSlice(t, want, both(s, losses.NewPair(z1, z2), s.MulScalar(a, scale), 0.5)[:2], 1e-12)
	}
	require.NoError(t, s.Close())
}

// The loss of the whole batch is the mean over ranks of each rank's loss with the candidates of all.
func TestRanksTogetherEqualOne(t *testing.T) {
	s := torch.NewScope()
	z1, z2, a := batch(t, s)
	want := both(s, losses.NewPair(z1, z2), a, 0.3)
	sum := []float64{0, 0}
	for rank := range int64(3) {
		part := func(x torch.Tensor) torch.Tensor { return s.Narrow(x, 0, 2*rank, 2) }
		b := losses.Pair{Z1: part(z1), Z2: part(z2), All1: z1, All2: z2, Offset: 2 * rank}
		for i, v := range both(s, b, part(a), 0.3) {
			sum[i] += v / 3
		}
	}
	assert.InDeltaSlice(t, want, sum, 1e-12)
	require.NoError(t, s.Close())
}

func TestAllOnesIsTheContrastiveLoss(t *testing.T) {
	s := torch.NewScope()
	z1, z2, a := batch(t, s)
	v := both(s, losses.NewPair(z1, z2), s.OnesLike(a), 0.5)
	assert.InDelta(t, v[0], v[1], 1e-12, "with a_t = 1 the do-loss is NT-Xent")
	require.NoError(t, s.Close())
}

func TestSmallTemperatureInFloat32(t *testing.T) {
	s := torch.NewScope()
	z1, z2, a := batch(t, s)
	exact := both(s, losses.NewPair(z1, z2), a, 0.01)
	f := func(x torch.Tensor) torch.Tensor { return s.To(x, torch.Float32()) }
	x1, x2, w := f(z1), f(z2), f(a)
	s.SetRequiresGrad(true, x1, x2, w)
	b := losses.NewPair(x1, x2)
	total := s.Add(losses.NTXent(s, b, 0.01), losses.Do(s, b, w, 0.01))
	assert.InEpsilon(t, exact[0]+exact[1], s.Item(total), 1e-5)
	for _, g := range s.Grad([]torch.Tensor{total}, []torch.Tensor{x1, x2, w}, torch.GradOptions{}) {
		assert.True(t, s.Finite(g))
	}
	require.NoError(t, s.Close())
}

func TestWrongArgumentsAreErrors(t *testing.T) {
	for want, f := range map[string]func(s *torch.Scope, z1, z2, a torch.Tensor){
		"temperature 0": func(s *torch.Scope, z1, z2, _ torch.Tensor) { losses.NTXent(s, losses.NewPair(z1, z2), 0) },
		"has no negatives": func(s *torch.Scope, z1, z2, _ torch.Tensor) {
			losses.NTXent(s, losses.NewPair(s.Narrow(z1, 0, 0, 1), s.Narrow(z2, 0, 0, 1)), 0.5)
		},
		"6 and 4 anchors": func(s *torch.Scope, z1, z2, _ torch.Tensor) {
			losses.NTXent(s, losses.NewPair(z1, s.Narrow(z2, 0, 0, 4)), 0.5)
		},
		"uniformity of 1 weight vector": func(s *torch.Scope, _, _, a torch.Tensor) {
			losses.WeightUniformity(s, s.Narrow(a, 1, 0, 1), 2)
		},
	} {
		s := torch.NewScope()
		z1, z2, a := batch(t, s)
		f(s, z1, z2, a)
		assert.ErrorContains(t, s.Close(), want)
	}
}

func TestUniformityOfEqualWeights(t *testing.T) {
	s := torch.NewScope()
	// n equal vectors: n(n-1) pairs of exp(0).
	v := s.Item(losses.WeightUniformity(s, s.Full(0.3, torch.Float64(), 2, 4, 5), 2))
	assert.InDelta(t, math.Log(12), v, 1e-12)
	require.NoError(t, s.Close())
}
