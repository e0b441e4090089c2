package interventions_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/icl-msr/icl-msr/interventions"
)

func someStrata(t *testing.T) interventions.Strata {
	var of []int
	for b, n := range []int{100, 37, 8, 55} {
		of = append(of, slices.Repeat([]int{b}, n)...)
	}
	s, err := interventions.NewStrata(of)
	require.NoError(t, err)
	return s
}

func TestBatchesAreOfOneStratum(t *testing.T) {
	s := someStrata(t)
	const batch, epochs = 8, 2000
	turns, seen := make([]float64, 4), make([]int, 200)
	for epoch := range uint64(epochs) {
		order, err := interventions.Order(s, batch, epoch, 5)
		require.NoError(t, err)
		require.Len(t, order, 25*batch, "as many batches as whole ones in the data")
		own := make([]int, 4)
		for k := 0; k < len(order); k += batch {
			b := order[k : k+batch]
			for _, i := range b {
				require.Equal(t, s.Of[b[0]], s.Of[i])
				seen[i]++
			}
			require.Len(t, slices.Compact(slices.Sorted(slices.Values(b))), batch, "no picture twice in a batch")
			own[s.Of[b[0]]]++
			turns[s.Of[b[0]]] += 1. / (25 * epochs)
		}
		for b, n := range own {
			require.InDelta(t, 25*s.Shares[b], n, 1, "within one batch of the share")
		}
	}
	assert.InDeltaSlice(t, s.Shares, turns, 1e-3, "in the mean over epochs, the shares")
	for i, n := range seen {
		require.InEpsilon(t, epochs, n, 0.05, "picture %d comes once an epoch in the mean", i)
	}
}

func TestOrderDependsOnEpochAndSeedAlone(t *testing.T) {
	s := someStrata(t)
	order := func(epoch, seed uint64) []int {
		o, err := interventions.Order(s, 8, epoch, seed)
		require.NoError(t, err)
		return o
	}
	assert.Equal(t, order(3, 1), order(3, 1))
	assert.NotEqual(t, order(3, 1), order(4, 1))
	assert.NotEqual(t, order(3, 1), order(3, 2))
}

// Any picture of its stratum can be the first one of an epoch.
func TestOrderIsEvenWithinAnEpoch(t *testing.T) {
	of := slices.Repeat([]int{0}, 12)
	s, err := interventions.NewStrata(of)
	require.NoError(t, err)
	count := make([]int, 12)
	for epoch := range uint64(6000) {
		o, err := interventions.Order(s, 5, epoch, 1) // 2 batches of 12 pictures
		require.NoError(t, err)
		for _, i := range o[:5] {
			count[i]++
		}
	}
	for i, n := range count {
		assert.InEpsilon(t, 2500, n, 0.06, "picture %d", i)
	}
}

func TestOrderNeedsLargeStrata(t *testing.T) {
	_, err := interventions.Order(someStrata(t), 9, 0, 0)
	assert.ErrorContains(t, err, "stratum 2 has 8 pictures, fewer than a batch of 9: merge strata")
	_, err = interventions.Order(someStrata(t), 0, 0, 0)
	assert.ErrorContains(t, err, "BatchSize 0")
}
