package methods

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/icl-msr/icl-msr/torch"
)

// clusters are the outcome of kMeans.
type clusters struct {
	centroids torch.Tensor // [K, d]
	labels    torch.Tensor // [P]: each row's cluster
	distances torch.Tensor // [P]: of each row to its centroid
}

// kMeans is Lloyd's algorithm on rows x [P, d], from k of them drawn at random. An empty cluster stays where it was.
func kMeans(s *torch.Scope, x torch.Tensor, k int64, iterations int, rng *rand.Rand) (c clusters) {
	n, d := s.Size(x, 0), s.Size(x, 1)
	if s.Err() == nil && (k < 1 || k > n) {
		s.Fail(fmt.Errorf("methods: %d clusters of %d pictures", k, n))
	}
	if s.Err() != nil {
		return c
	}
	like := s.Like(x)
	c.centroids = s.Clone(s.IndexSelect(x, 0, torch.FromSlice(s, draw(n, k, rng), like.Device, k)))
	for range iterations {
		sums, counts := s.Zeros(like, k, d), s.Zeros(like, k)
		c.blocks(s, x, func(t *torch.Scope, rows, nearest torch.Tensor) {
			columns := t.Unsqueeze(t.Arange(0, k, like.Device), 0)
			members := t.To(t.Eq(t.Unsqueeze(nearest, 1), columns), like)
			t.Copy(sums, t.Add(sums, t.MatMul(t.T(members), rows)))
			t.Copy(counts, t.Add(counts, t.SumDim(members, false, 0)))
		})
		if s.Err() != nil {
			return c
		}
		filled := s.Unsqueeze(s.ClampMin(counts, 1), 1)
		empty := s.Unsqueeze(s.To(s.Eq(counts, s.ZerosLike(counts)), like), 1)
		s.Copy(c.centroids, s.Add(s.Div(sums, filled), s.Mul(empty, c.centroids)))
	}
	var labels, distances []torch.Tensor
	c.blocks(s, x, func(t *torch.Scope, rows, nearest torch.Tensor) {
		labels = append(labels, s.Hold(nearest))
		offsets := t.Sub(rows, t.IndexSelect(c.centroids, 0, nearest))
		distances = append(distances, s.Hold(t.NormDim(offsets, false, 1)))
	})
	c.labels, c.distances = s.Cat(0, labels...), s.Cat(0, distances...)
	return c
}

// draw returns k of n numbers.
func draw(n, k int64, rng *rand.Rand) []int64 {
	out := make([]int64, k)
	for i, j := range rng.Perm(int(n))[:k] {
		out[i] = int64(j)
	}
	return out
}

// blocks calls f with rows of x and the nearest centroid of each, so many rows at a time that memory is bounded.
func (c clusters) blocks(s *torch.Scope, x torch.Tensor, f func(t *torch.Scope, rows, nearest torch.Tensor)) {
	n, k := s.Size(x, 0), s.Size(c.centroids, 0)
	if s.Err() != nil {
		return
	}
	block := max(1, min(n, (1<<24)/k))
	for from := int64(0); from < n; from += block {
		s.Within(func(t *torch.Scope) {
			rows := t.Narrow(x, 0, from, min(block, n-from))
			norms := t.MulScalar(t.SumDim(t.Square(c.centroids), false, 1), 0.5)
			f(t, rows, t.ArgMax(t.Sub(t.MatMul(rows, t.T(c.centroids)), norms), 1))
		})
	}
}

// densities is phi of each of k clusters (Li et al. 2021, section 3.3): the mean distance of its rows over
// log(rows + 10). A lone row's is the largest of the others. Values are cut off at the tenth and ninetieth percentile,
// and scaled to a mean of tau.
func densities(labels []int64, distances []float64, k int, tau float64) []float64 {
	sum, count := make([]float64, k), make([]float64, k)
	for i, c := range labels {
		sum[c] += distances[i]
		count[c]++
	}
	phi, largest := make([]float64, k), 0.0
	for c := range phi {
		if count[c] > 1 {
			phi[c] = sum[c] / count[c] / math.Log(count[c]+10)
			largest = max(largest, phi[c])
		}
	}
	for c := range phi {
		if count[c] <= 1 {
			phi[c] = largest
		}
	}
	sorted := slices.Sorted(slices.Values(phi))
	low, high := percentile(sorted, 0.1), percentile(sorted, 0.9)
	mean := 0.0
	for c := range phi {
		phi[c] = min(high, max(low, phi[c]))
		mean += phi[c] / float64(k)
	}
	for c := range phi {
		if mean > 0 {
			phi[c] *= tau / mean
		} else {
			phi[c] = tau // all rows lie on their centroids
		}
	}
	return phi
}

// percentile interpolates sorted numbers linearly.
func percentile(sorted []float64, q float64) float64 {
	at := q * float64(len(sorted)-1)
	i := int(at)
	if i+1 >= len(sorted) {
		return sorted[len(sorted)-1]
	}
	return sorted[i] + (at-float64(i))*(sorted[i+1]-sorted[i])
}
