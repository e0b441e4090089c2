package interventions_test

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/sugarme/gotch"

	"github.com/icl-msr/icl-msr/datasets"
	"github.com/icl-msr/icl-msr/interventions"
	"github.com/icl-msr/icl-msr/losses"
	"github.com/icl-msr/icl-msr/torch"
)

// A pair with log weights gives the conditional losses. NT-Xent equals ConditionalNTXent, which another test compares
// with its formula. Do weights its sum over negatives.
func TestLossesOfAPairWithLogWeights(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	const n, d, tau = 5, 4, 0.5
	z1, z2, weights := normal(rng, n, d), normal(rng, n, d), normal(rng, n, n)
	for i := range n {
		weights[i][i] = 0
	}
	require.NoError(t, torch.With(func(s *torch.Scope) error {
		b := losses.NewPair(table(s, z1), table(s, z2))
		want := s.Item(interventions.ConditionalNTXent(s, b, table(s, weights), tau))
		plain := s.Item(losses.NTXent(s, b, tau))
		b.LogWeights = table(s, weights)
		assert.InDelta(t, want, s.Item(losses.NTXent(s, b, tau)), 1e-12)
		assert.Greater(t, math.Abs(want-plain), 1e-3)

		ones := s.Full(1, s.Like(b.Z1), n, 1, d)
		sum := 0.0
		for _, z := range [2][2][][]float64{{z1, z2}, {z2, z1}} {
			for i := range n {
				positive, negative := math.Exp(cosine(z[0][i], z[1][i])/tau), 0.0
				for l := range n {
					if l != i {
						w := math.Exp(weights[i][l])
						negative += w * (math.Exp(cosine(z[0][i], z[0][l])/tau) + math.Exp(cosine(z[0][i], z[1][l])/tau))
					}
				}
				sum -= math.Log(positive/(positive+negative)) / (2 * n)
			}
		}
		assert.InDelta(t, sum, s.Item(losses.Do(s, b, ones, tau)), 1e-12)
		return s.Err()
	}))
	err := torch.With(func(s *torch.Scope) error {
		b := losses.NewPair(table(s, z1), table(s, z2))
		b.LogWeights = table(s, weights[:3])
		losses.NTXent(s, b, tau)
		return s.Err()
	})
	assert.ErrorContains(t, err, "log weights [3 5] for logits [10 10]")
}

// The weights of a batch follow from its indices, both with known backgrounds and with border colours.
func TestWeightsOfABatch(t *testing.T) {
	ds := drawn(t, datasets.Options{Count: 40, Correlation: 0.5})
	batch := []int64{31, 4, 17, 0, 9, 22}
	weights := func(o interventions.Options) [][]float64 {
		e, err := interventions.New(context.Background(), o, interventions.Setting{Dataset: ds, Batch: 6, Seed: 1})
		require.NoError(t, err)
		require.Len(t, e.Notes, 1)
		out := make([][]float64, len(batch))
		require.NoError(t, torch.With(func(s *torch.Scope) error {
			of := e.Weights.On(s, torch.Options{DType: gotch.Double, Device: gotch.CPU})
			flat := torch.Slice[float64](s, of(s, torch.Upload(s, batch, gotch.CPU, int64(len(batch)))))
			for i := range batch {
				out[i] = flat[i*len(batch) : (i+1)*len(batch)]
			}
			return s.Err()
		}))
		return out
	}
	o := interventions.DefaultOptions()
	o.Names, o.Strata = []string{"negatives"}, interventions.KnownBackgrounds
	st, err := interventions.KnownStrata(ds)
	require.NoError(t, err)
	for i, row := range weights(o) {
		same := 0
		for j := range batch {
			if i != j && st.Of[batch[i]] == st.Of[batch[j]] {
				same++
			}
		}
		for j, w := range row {
			switch {
			case i == j:
				assert.Zero(t, w)
			case same == 0:
				assert.InDelta(t, 0, w, 1e-6, "all negatives count alike")
			case st.Of[batch[i]] == st.Of[batch[j]]:
				assert.InDelta(t, math.Log(5/float64(same)), w, 1e-6)
			default:
				assert.Less(t, w, -9000.)
			}
		}
	}

	o.Strata, o.Numbers = interventions.BorderStrata, map[string]float64{"bandwidth": 0.7, "within": 0.25}
	rows, err := interventions.AllBorderFeatures(context.Background(), ds, 1)
	require.NoError(t, err)
	kernel := func(i, j int) (k float64) {
		for c := range rows[0] {
			k += math.Pow(rows[batch[i]][c]-rows[batch[j]][c], 2)
		}
		return math.Exp(-k / (2 * 0.7 * 0.7))
	}
	for i, row := range weights(o) {
		total := 0.0
		for l := range batch {
			if l != i {
				total += kernel(i, l)
			}
		}
		for j, w := range row {
			if i != j {
				assert.InDelta(t, math.Log(0.25*5*kernel(i, j)/total+0.75), w, 1e-4)
			}
		}
	}
}
