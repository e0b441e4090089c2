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

// property is a loss of two views and its properties.
type property struct {
	name      string
	of        func(s *torch.Scope, b losses.Pair, tau float64) torch.Tensor
	scale     bool // the embeddings' norms do not matter
	ranks     bool // the mean over ranks is the loss of the whole batch
	tau       bool // there is a temperature
	symmetric bool // the views may be exchanged
}

func properties() []property {
	type (
		scope  = *torch.Scope
		tensor = torch.Tensor
		batch  = losses.Pair
	)
	return []property{
		{"nt_xent", losses.NTXent, true, true, true, true},
		{"cross_view_nce", losses.CrossViewNCE, true, true, true, true},
		{
			"debiased", func(s scope, b batch, tau float64) tensor { return losses.Debiased(s, b, tau, 0.1) },
			true, true, true, true,
		},
		{
			"decoupled", func(s scope, b batch, tau float64) tensor { return losses.Decoupled(s, b, tau, 0) },
			true, true, true, true,
		},
		{
			"decoupled, weighted", func(s scope, b batch, tau float64) tensor { return losses.Decoupled(s, b, tau, 0.5) },
			true, false, true, true,
		},
		{
			"large_margin", func(s scope, b batch, tau float64) tensor { return losses.LargeMargin(s, b, tau, 1, 0.1, 0.9) },
			true, true, true, true,
		},
		{"relic", func(s scope, b batch, tau float64) tensor { return losses.RELIC(s, b, tau, 1) }, true, true, true, true},
		{"info_nce_queue", func(s scope, b batch, tau float64) tensor {
			return losses.InfoNCEQueue(s, b.Z1, b.Z2, queue(s, b.Z1), tau)
		}, true, true, true, false},
		{"ressl", func(s scope, b batch, tau float64) tensor {
			return losses.ReSSL(s, b.Z1, b.Z2, queue(s, b.Z1), tau, tau/2)
		}, true, true, true, false},
		{
			"byol", func(s scope, b batch, _ float64) tensor { return losses.BYOL(s, b.Z1, b.Z2, b.Z1, b.Z2) },
			true, true, false, true,
		},
		{
			"simsiam", func(s scope, b batch, _ float64) tensor { return losses.SimSiam(s, b.Z1, b.Z2, b.Z1, b.Z2) },
			true, true, false, true,
		},
		{
			"barlow_twins", func(s scope, b batch, _ float64) tensor { return losses.BarlowTwins(s, b.Z1, b.Z2, 0.0051) },
			false, false, false, true,
		},
		{
			"vicreg", func(s scope, b batch, _ float64) tensor { return losses.VICReg(s, b.Z1, b.Z2, 25, 25, 1) },
			false, false, false, true,
		},
		{"w_mse", func(s scope, b batch, _ float64) tensor {
			return losses.WMSE(s, []tensor{b.Z1, b.Z2}, losses.WMSEConfig{Eps: 1e-3})
		}, false, false, false, true},
		{
			"ssl_hsic", func(s scope, b batch, _ float64) tensor { return losses.SSLHSIC(s, b.Z1, b.Z2, 3, 1) },
			true, false, false, true,
		},
		{"swav", func(s scope, b batch, tau float64) tensor {
			c := losses.SwAVConfig{Tau: tau, Epsilon: 0.05, Iterations: 3}
			return losses.SwAV(s, []tensor{s.Normalize(b.Z1), s.Normalize(b.Z2)}, nil, c)
		}, true, false, true, true},
		{
			"alignment", func(s scope, b batch, _ float64) tensor { return losses.Alignment(s, b.Z1, b.Z2, 2) },
			true, true, false, true,
		},
		{
			"uniformity", func(s scope, b batch, _ float64) tensor { return losses.Uniformity(s, b.Z1, 2) },
			true, false, false, false,
		},
	}
}

// queue returns the same rows for every batch.
func queue(s *torch.Scope, like torch.Tensor) torch.Tensor {
	rows := []float64{1, 2, 0, -1, 0.5, 0, -2, 1, 1, 3, -1, 1, 0.3, 0.2, 2}
	return s.To(torch.FromSlice(s, rows, gotch.CPU, 3, 5), s.Like(like))
}

func TestPropertiesOfEveryLoss(t *testing.T) {
	for _, p := range properties() {
		t.Run(p.name, func(t *testing.T) {
			s := torch.NewScope()
			z1, z2, _ := batch(t, s)
			value := func(z1, z2 torch.Tensor) float64 { return s.Item(p.of(s, losses.NewPair(z1, z2), 0.3)) }
			want := value(z1, z2)
			order := torch.FromSlice(s, []int64{3, 0, 5, 1, 4, 2}, gotch.CPU, 6)
			pick := func(x torch.Tensor) torch.Tensor { return s.IndexSelect(x, 0, order) }
			assert.InDelta(t, want, value(pick(z1), pick(z2)), 1e-10, "the pictures' order")
			if p.symmetric {
				assert.InDelta(t, want, value(z2, z1), 1e-10, "the views' order")
			}
			scaled := value(s.MulScalar(z1, 3), s.MulScalar(z2, 0.2))
			if p.scale {
				assert.InDelta(t, want, scaled, 1e-10, "the embeddings' scale")
			}
			if p.ranks {
				sum := 0.0
				for rank := range int64(3) {
					part := func(x torch.Tensor) torch.Tensor { return s.Narrow(x, 0, 2*rank, 2) }
					sum += s.Item(p.of(s, losses.Pair{Z1: part(z1), Z2: part(z2), All1: z1, All2: z2, Offset: 2 * rank}, 0.3)) / 3
				}
				assert.InDelta(t, want, sum, 1e-10, "ranks together")
			}
			if p.tau {
				exact := s.Item(p.of(s, losses.NewPair(z1, z2), 0.01))
				x1, x2 := s.To(z1, torch.Float32()), s.To(z2, torch.Float32())
				s.SetRequiresGrad(true, x1, x2)
				loss := p.of(s, losses.NewPair(x1, x2), 0.01)
				assert.InEpsilon(t, exact, s.Item(loss), 1e-4, "tau 0.01 in float32")
				for _, g := range s.Grad([]torch.Tensor{loss}, []torch.Tensor{x1, x2}, torch.GradOptions{AllowUnused: true}) {
					if g.Defined() {
						assert.True(t, s.Finite(g), "the gradient is finite")
					}
				}
			}
			require.NoError(t, s.Close())
		})
	}
}

// Some implementations take the mean of both directions, which halves the loss and its gradient.
func TestBYOLIsTheSumOfBothDirections(t *testing.T) {
	s := torch.NewScope()
	x := torch.FromSlice(s, []float64{1, 0, 0, 1}, gotch.CPU, 2, 2)
	y := torch.FromSlice(s, []float64{0, 2, 3, 0}, gotch.CPU, 2, 2) // orthogonal to x, row by row
	assert.InDelta(t, 4, s.Item(losses.BYOL(s, x, x, y, y)), 1e-12)
	assert.InDelta(t, 8, s.Item(losses.BYOL(s, x, x, s.Neg(x), s.Neg(x))), 1e-12)
	require.NoError(t, s.Close())
}

// Both views must get a gradient through their whitening.
func TestWMSEMovesBothSides(t *testing.T) {
	s := torch.NewScope()
	z1, z2, _ := batch(t, s)
	s.SetRequiresGrad(true, z1, z2)
	loss := losses.WMSE(s, []torch.Tensor{z1, z2}, losses.WMSEConfig{})
	g := s.Grad([]torch.Tensor{loss}, []torch.Tensor{z1, z2}, torch.GradOptions{})
	for _, side := range g {
		assert.Greater(t, s.Dot([]torch.Tensor{side}, []torch.Tensor{side}), 1e-6)
	}
	require.NoError(t, s.Close())
}

func TestSingularWhiteningNamesBatchAndDimension(t *testing.T) {
	s := torch.NewScope()
	z1, z2, _ := batch(t, s)
	few := func(z torch.Tensor) torch.Tensor { return s.Narrow(z, 0, 0, 4) } // 4 pictures span 3 dimensions
	losses.WMSE(s, []torch.Tensor{few(z1), few(z2)}, losses.WMSEConfig{})
	assert.ErrorContains(t, s.Close(), "cannot whiten 4 embeddings of 5 dimensions")
}

// Assignments are even over prototypes and sum to one for each picture, whatever the scores.
func TestSinkhornIsEvenAndStable(t *testing.T) {
	s := torch.NewScope()
	require.NoError(t, torch.ManualSeed(2))
	for _, scale := range []float64{1, 1000} {
		q := losses.Sinkhorn(s, s.MulScalar(s.Normal(0, 1, torch.Float64(), 8, 4), scale), 1, 2000)
		for _, v := range torch.Slice[float64](s, s.SumDim(q, false, 1)) {
			assert.InDelta(t, 1, v, 1e-9)
		}
		if scale == 1 {
			for _, v := range torch.Slice[float64](s, s.SumDim(q, false, 0)) {
				assert.InDelta(t, 2, v, 1e-6, "8 pictures share 4 prototypes")
			}
		}
	}
	require.NoError(t, s.Close())
}

// If all embeddings are the same, these losses are the logarithm of the number of candidates.
func TestLossesOfEmbeddingsThatAreAllAlike(t *testing.T) {
	s := torch.NewScope()
	defer s.Close()
	o := torch.Options{DType: gotch.Double, Device: gotch.CPU}
	z, queue, scores := s.Full(0.5, o, 7, 4), s.Full(0.5, o, 64, 4), s.Full(1, o, 7, 300)
	assert.InDelta(t, math.Log(13), s.Item(losses.NTXent(s, losses.Pair{Z1: z, Z2: z, All1: z, All2: z}, 0.5)), 1e-12)
	assert.InDelta(t, math.Log(65), s.Item(losses.InfoNCEQueue(s, z, z, queue, 0.2)), 1e-12)
	swav := losses.SwAV(s, []torch.Tensor{scores, scores}, nil, losses.SwAVConfig{Tau: 0.1, Epsilon: 0.05, Iterations: 3})
	assert.InDelta(t, math.Log(300), s.Item(swav), 1e-9)
	require.NoError(t, s.Err())
}
