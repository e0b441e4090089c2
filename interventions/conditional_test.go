package interventions_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/sugarme/gotch"

	"github.com/icl-msr/icl-msr/interventions"
	"github.com/icl-msr/icl-msr/losses"
	"github.com/icl-msr/icl-msr/torch"
)

// table is a matrix of float64.
func table(s *torch.Scope, rows [][]float64) torch.Tensor {
	var flat []float64
	for _, r := range rows {
		flat = append(flat, r...)
	}
	return torch.FromSlice(s, flat, gotch.CPU, int64(len(rows)), int64(len(rows[0])))
}

func normal(rng *rand.Rand, n, d int) [][]float64 {
	out := make([][]float64, n)
	for i := range out {
		out[i] = make([]float64, d)
		for k := range out[i] {
			out[i][k] = rng.NormFloat64()
		}
	}
	return out
}

func cosine(a, b []float64) float64 {
	var x, y, xy float64
	for k := range a {
		x, y, xy = x+a[k]*a[k], y+b[k]*b[k], xy+a[k]*b[k]
	}
	return xy / math.Sqrt(x*y)
}

// conditional computes the loss by its formula. z[v][i] is view v of picture i, and kernel[i][j] compares the
// backgrounds of pictures i and j. The anchors are n pictures from offset on.
func conditional(z [2][][]float64, kernel [][]float64, offset, n int, w, tau float64) (each []float64) {
	m := len(z[0])
	for v := range 2 {
		for i := offset; i < offset+n; i++ {
			total := 0.0
			for l := range m {
				if l != i {
					total += kernel[i][l]
				}
			}
			positive := math.Exp(cosine(z[v][i], z[1-v][i]) / tau)
			sum := positive
			for l := range m {
				if l == i {
					continue
				}
				weight := w*float64(m-1)*kernel[i][l]/total + 1 - w
				sum += weight * (math.Exp(cosine(z[v][i], z[0][l])/tau) + math.Exp(cosine(z[v][i], z[1][l])/tau))
			}
			each = append(each, -math.Log(positive/sum))
		}
	}
	return each
}

func TestConditionalNTXentIsItsFormula(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	z := [2][][]float64{normal(rng, 6, 4), normal(rng, 6, 4)}
	backgrounds := normal(rng, 6, 3)
	kernel := make([][]float64, 6)
	for i := range kernel {
		for j := range 6 {
			d := 0.0
			for k := range 3 {
				d += (backgrounds[i][k] - backgrounds[j][k]) * (backgrounds[i][k] - backgrounds[j][k])
			}
			kernel[i] = append(kernel[i], math.Exp(-d/(2*0.7*0.7)))
		}
	}
	s := torch.NewScope()
	b := table(s, backgrounds)
	for _, w := range []float64{0, 0.3, 1} {
		for offset := range int64(3) {
			part := func(x torch.Tensor) torch.Tensor { return s.Narrow(x, 0, 2*offset, 2) }
			all1, all2 := table(s, z[0]), table(s, z[1])
			batch := losses.Pair{Z1: part(all1), Z2: part(all2), All1: all1, All2: all2, Offset: 2 * offset}
			weights := interventions.LogWeights(s, interventions.GaussianLogKernel(s, part(b), b, 0.7), 2*offset, w)
			got := torch.Slice[float64](s, interventions.ConditionalNTXentEach(s, batch, weights, 0.2))
			assert.InDeltaSlice(t, conditional(z, kernel, int(2*offset), 2, w, 0.2), got, 1e-10, "w %g", w)
		}
		whole := losses.NewPair(table(s, z[0]), table(s, z[1]))
		weights := interventions.LogWeights(s, interventions.GaussianLogKernel(s, b, b, 0.7), 0, w)
		mean := 0.0
		for _, v := range conditional(z, kernel, 0, 6, w, 0.2) {
			mean += v / 12
		}
		assert.InDelta(t, mean, s.Item(interventions.ConditionalNTXent(s, whole, weights, 0.2)), 1e-10)
		if w == 0 {
			assert.InDelta(t, s.Item(losses.NTXent(s, whole, 0.2)), mean, 1e-10, "w = 0 is NT-Xent")
		}
		for i := range 6 { // the weights of an anchor's negatives have the mean 1
			sum := 0.0
			for j, l := range torch.Slice[float64](s, s.Select(weights, 0, int64(i))) {
				if i == j {
					assert.Zero(t, l)
				} else {
					sum += math.Exp(l) / 5
				}
			}
			assert.InDelta(t, 1, sum, 1e-12)
		}
	}
	require.NoError(t, s.Close())
}

func TestWeightsOfAQueue(t *testing.T) {
	s := torch.NewScope()
	// The kernels are 1, 2 and 5; their sum is 8.
	kernel := table(s, [][]float64{{0, math.Log(2), math.Log(5)}, {-1e4, -1e4, -1e4}})
	for w, want := range map[float64][]float64{
		0:    {1, 1, 1, 1, 1, 1},
		0.25: {0.75 + 0.25*3./8, 0.75 + 0.25*6./8, 0.75 + 0.25*15./8, 1, 1, 1},
		1:    {3. / 8, 6. / 8, 15. / 8, 1, 1, 1},
	} {
		got := torch.Slice[float64](s, s.Exp(interventions.QueueLogWeights(s, kernel, w)))
		assert.InDeltaSlice(t, want, got, 1e-12, "w %g", w)
	}
	require.NoError(t, s.Close())
}

func TestStrataAsAKernel(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 2))
	z := [2][][]float64{normal(rng, 5, 4), normal(rng, 5, 4)}
	strata := []int64{0, 1, 0, 1, 2}
	kernel := make([][]float64, 5)
	for i := range kernel {
		for j := range 5 {
			k := 0.0
			if strata[i] == strata[j] || i == 4 || j == 4 && i == 4 { // picture 4 is alone: all count equally
				k = 1
			}
			kernel[i] = append(kernel[i], k)
		}
	}
	s := torch.NewScope()
	of := torch.FromSlice(s, strata, gotch.CPU, 5)
	for _, o := range []torch.Options{torch.Float64(), torch.Float32()} {
		weights := interventions.LogWeights(s, interventions.StrataLogKernel(s, of, of, o), 0, 1)
		z1, z2 := s.To(table(s, z[0]), o), s.To(table(s, z[1]), o)
		s.SetRequiresGrad(true, z1, z2)
		each := interventions.ConditionalNTXentEach(s, losses.NewPair(z1, z2), weights, 0.5)
		got := torch.Slice[float64](s, s.To(each, torch.Float64()))
		assert.InDeltaSlice(t, conditional(z, kernel, 0, 5, 1, 0.5), got, 1e-5)
		for _, g := range s.Grad([]torch.Tensor{s.Sum(each)}, []torch.Tensor{z1, z2}, torch.GradOptions{}) {
			assert.True(t, s.Finite(g))
		}
	}
	require.NoError(t, s.Close())
}

// differences compares the gradient of f at x with central differences.
func differences(t *testing.T, x [][]float64, f func(s *torch.Scope, x torch.Tensor) torch.Tensor) {
	s := torch.NewScope()
	at := table(s, x)
	s.SetRequiresGrad(true, at)
	loss := f(s, at)
	got := torch.Slice[float64](s, s.Grad([]torch.Tensor{loss}, []torch.Tensor{at}, torch.GradOptions{})[0])
	require.NoError(t, s.Err())
	const h = 1e-5
	for i := range x {
		for k := range x[i] {
			value := func(d float64) float64 {
				defer func(v float64) { x[i][k] = v }(x[i][k])
				x[i][k] += d
				return s.Item(f(s, table(s, x)))
			}
			assert.InDelta(t, (value(h)-value(-h))/(2*h), got[i*len(x[i])+k], 1e-8)
		}
	}
	require.NoError(t, s.Close())
}

func TestGradientOfConditionalNTXent(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	second, backgrounds := normal(rng, 4, 3), normal(rng, 4, 2)
	for _, w := range []float64{0.4, 1} {
		differences(t, normal(rng, 4, 3), func(s *torch.Scope, x torch.Tensor) torch.Tensor {
			b := table(s, backgrounds)
			weights := interventions.LogWeights(s, interventions.GaussianLogKernel(s, b, b, 1), 0, w)
			return interventions.ConditionalNTXent(s, losses.NewPair(x, table(s, second)), weights, 0.5)
		})
	}
}

func TestVREx(t *testing.T) {
	s := torch.NewScope()
	each := torch.FromSlice(s, []float64{1, 3, 5, 10, 2}, gotch.CPU, 5)
	strata := torch.FromSlice(s, []int64{0, 0, 2, 2, 3}, gotch.CPU, 5)
	// The means are 2, 7.5 and 2. Their mean is 23/6 and their variance 121/18.
	assert.InDelta(t, 121./18, s.Item(interventions.VREx(s, each, strata, 5)), 1e-12)
	assert.Zero(t, s.Item(interventions.VREx(s, each, s.ZerosLike(strata), 5)))
	require.NoError(t, s.Close())
	rng := rand.New(rand.NewPCG(4, 4))
	differences(t, normal(rng, 5, 1), func(s *torch.Scope, x torch.Tensor) torch.Tensor {
		return interventions.VREx(s, s.Reshape(x, -1), torch.FromSlice(s, []int64{0, 0, 2, 2, 3}, gotch.CPU, 5), 5)
	})
}

func TestWrongWeightsAreErrors(t *testing.T) {
	three := func(s *torch.Scope, z torch.Tensor) torch.Tensor { return s.Narrow(z, 0, 0, 3) }
	for want, f := range map[string]func(s *torch.Scope, z torch.Tensor){
		"Within 1.5: want 0 to 1": func(s *torch.Scope, z torch.Tensor) { interventions.LogWeights(s, z, 0, 1.5) },
		"at offset 1 of 4":        func(s *torch.Scope, z torch.Tensor) { interventions.LogWeights(s, z, 1, 1) },
		"Bandwidth 0":             func(s *torch.Scope, z torch.Tensor) { interventions.GaussianLogKernel(s, z, z, 0) },
		"5 losses of 4 strata": func(s *torch.Scope, z torch.Tensor) {
			interventions.VREx(s, s.Zeros(torch.Float64(), 5), z, 3)
		},
		"log weights [3 4] of 4": func(s *torch.Scope, z torch.Tensor) {
			interventions.ConditionalNTXent(s, losses.NewPair(z, z), three(s, z), 1)
		},
		"temperature 0; want a pos": func(s *torch.Scope, z torch.Tensor) {
			interventions.ConditionalNTXent(s, losses.NewPair(z, z), z, 0)
		},
	} {
		s := torch.NewScope()
		f(s, table(s, normal(rand.New(rand.NewPCG(5, 5)), 4, 4)))
		assert.ErrorContains(t, s.Close(), want)
	}
}

func TestMedianDistance(t *testing.T) {
	assert.InDelta(t, 5, interventions.MedianDistance([][]float64{{0, 0}, {3, 4}}, 1), 1e-12)
	assert.Zero(t, interventions.MedianDistance([][]float64{{1}}, 1))
}
