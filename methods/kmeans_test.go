package methods

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/sugarme/gotch"

	"github.com/icl-msr/icl-msr/torch"
)

func TestKMeansFindsSeparateGroups(t *testing.T) {
	s := torch.NewScope()
	rng := rand.New(rand.NewPCG(1, 2))
	centres := [][]float64{{0, 0}, {10, 0}, {0, 10}}
	var data []float64
	for i := range 60 {
		for _, c := range centres[i%3] {
			data = append(data, c+0.5*rng.NormFloat64())
		}
	}
	x := torch.FromSlice(s, data, gotch.CPU, 60, 2)
	// Lloyd's algorithm may end in a local optimum; from these rows it does not.
	c := kMeans(s, x, 3, 20, rand.New(rand.NewPCG(3, 4)))
	labels, distances := torch.Slice[int64](s, c.labels), torch.Slice[float64](s, c.distances)
	for i := range labels {
		assert.Equal(t, labels[i%3], labels[i], "row %d", i)
		assert.Less(t, distances[i], 3.0)
	}
	assert.Len(t, map[int64]bool{labels[0]: true, labels[1]: true, labels[2]: true}, 3)
	centroids := torch.Slice[float64](s, c.centroids)
	for k, centre := range centres {
		for j, v := range centre {
			assert.InDelta(t, v, centroids[2*labels[k]+int64(j)], 0.5)
		}
	}
	require.NoError(t, s.Close())
}

func TestKMeansKeepsEmptyClustersAndRefusesTooMany(t *testing.T) {
	s := torch.NewScope()
	x := torch.FromSlice(s, []float64{1, 1, 1, 1, 1, 1, 5, 5}, gotch.CPU, 4, 2) // three rows are one
	c := kMeans(s, x, 4, 5, rand.New(rand.NewPCG(1, 1)))
	assert.True(t, s.Finite(c.centroids))
	assert.InDeltaSlice(t, []float64{0, 0, 0, 0}, torch.Slice[float64](s, c.distances), 1e-12)
	kMeans(s, x, 5, 5, rand.New(rand.NewPCG(1, 1)))
	assert.ErrorContains(t, s.Close(), "5 clusters of 4 pictures")
}

func TestDensitiesByHand(t *testing.T) {
	// Distances 1 and 3 in cluster 0, a lone row in 1, 2, 2, 2 in 2.
	labels, distances := []int64{0, 0, 1, 2, 2, 2}, []float64{1, 3, 0.1, 2, 2, 2}
	a, b := 2/math.Log(12), 2/math.Log(13) // cluster 1 gets the larger, a
	low := b + 0.2*(a-b)                   // the tenth percentile of b, a, a
	mean := (a + a + low) / 3
	assert.InDeltaSlice(t, []float64{a * 0.2 / mean, a * 0.2 / mean, low * 0.2 / mean},
		densities(labels, distances, 3, 0.2),
		1e-12)
	assert.Equal(t, []float64{0.2, 0.2}, densities([]int64{0, 1}, []float64{0, 0}, 2, 0.2), "rows on their centroids")
}
