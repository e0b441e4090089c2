package interventions

import (
	"math"
	"math/rand/v2"
	"slices"
)

// bandwidthPairs is the largest number of pairs that MedianDistance draws.
const bandwidthPairs = 10_000

// MedianDistance is the median Euclidean distance of pairs of rows that the seed draws. It is the usual bandwidth of a
// Gaussian kernel (Gretton et al. 2012). It is 0 for fewer than two rows.
func MedianDistance(rows [][]float64, seed uint64) float64 {
	n := len(rows)
	if n < 2 {
		return 0
	}
	rng := rand.New(rand.NewPCG(seed, 0x62616e64))
	distances := make([]float64, bandwidthPairs)
	for k := range distances {
		i, j := rng.IntN(n), rng.IntN(n-1)
		if j >= i {
			j++
		}
		distances[k] = math.Sqrt(distance2(rows[i], rows[j]))
	}
	slices.Sort(distances)
	return distances[len(distances)/2]
}
