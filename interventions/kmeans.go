package interventions

import (
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
)

// ClusterOptions describe a clustering of features into strata.
type ClusterOptions struct {
	K          int // number of strata
	Seed       uint64
	Starts     int  // number of starts, the best of which is taken; 0: 5
	Iterations int  // largest number for each start; 0: 50
	Spherical  bool // compare directions, not distances
}

// clustering is the outcome of k-means.
type clustering struct {
	own     []int // cluster of each row
	centres [][]float64
	cost    float64 // sum of the rows' squared distances to their centres
}

// kMeans returns the best of several runs of Lloyd's algorithm. Each starts from k-means++ (Arthur and Vassilvitskii
// 2007).
func kMeans(rows [][]float64, o ClusterOptions) clustering {
	if o.Spherical {
		rows = directions(rows)
	}
	best := clustering{cost: math.Inf(1)}
	for start := range o.Starts {
		rng := rand.New(rand.NewPCG(o.Seed, uint64(start)))
		c := clustering{own: make([]int, len(rows)), centres: plusPlus(rows, o.K, rng)}
		for range o.Iterations {
			changed := c.assign(rows)
			c.move(rows, o.Spherical)
			if !changed {
				break
			}
		}
		c.assign(rows)
		if c.cost < best.cost {
			best = c
		}
	}
	return best
}

// directions scales rows to length 1.
func directions(rows [][]float64) [][]float64 {
	out := make([][]float64, len(rows))
	for i, r := range rows {
		out[i] = slices.Clone(r)
		unit(out[i])
	}
	return out
}

func unit(v []float64) {
	sum := 0.0
	for _, x := range v {
		sum += x * x
	}
	if sum == 0 {
		return
	}
	for k := range v {
		v[k] /= math.Sqrt(sum)
	}
}

// plusPlus draws k rows. The probability of a row is proportional to its squared distance from the rows drawn before.
func plusPlus(rows [][]float64, k int, rng *rand.Rand) (centres [][]float64) {
	far := make([]float64, len(rows))
	for i := range far {
		far[i] = 1
	}
	for len(centres) < k {
		total := 0.0
		for _, d := range far {
			total += d
		}
		at, u := 0, rng.Float64()*total
		for u -= far[0]; u >= 0 && at < len(rows)-1; {
			at++
			u -= far[at]
		}
		centres = append(centres, slices.Clone(rows[at]))
		for i, r := range rows {
			d := distance2(r, rows[at])
			if len(centres) == 1 || d < far[i] {
				far[i] = d
			}
		}
	}
	return centres
}

func distance2(a, b []float64) float64 {
	sum := 0.0
	for k, x := range a {
		sum += (x - b[k]) * (x - b[k])
	}
	return sum
}

// assign assigns each row to its nearest centre, and reports whether any assignment changed.
func (c *clustering) assign(rows [][]float64) (changed bool) {
	workers := runtime.GOMAXPROCS(0)
	moved, costs := make([]bool, workers), make([]float64, len(rows))
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for i := w; i < len(rows); i += workers {
				at, best := nearestCentre(rows[i], c.centres)
				moved[w] = moved[w] || at != c.own[i]
				c.own[i], costs[i] = at, best
			}
		})
	}
	wg.Wait()
	c.cost = 0
	for _, d := range costs { // a fixed order makes the sum independent of the number of cores
		c.cost += d
	}
	return slices.Contains(moved, true)
}

func nearestCentre(row []float64, centres [][]float64) (at int, best float64) {
	best = math.Inf(1)
	for j, centre := range centres {
		if d := distance2(row, centre); d < best {
			at, best = j, d
		}
	}
	return at, best
}

// move moves each centre to the mean of its rows. A centre without rows stays.
func (c *clustering) move(rows [][]float64, spherical bool) {
	sums, counts := make([][]float64, len(c.centres)), make([]float64, len(c.centres))
	for j := range sums {
		sums[j] = make([]float64, len(rows[0]))
	}
	for i, r := range rows {
		j := c.own[i]
		counts[j]++
		for k, x := range r {
			sums[j][k] += x
		}
	}
	for j, sum := range sums {
		if counts[j] == 0 {
			continue
		}
		for k := range sum {
			sum[k] /= counts[j]
		}
		if spherical {
			unit(sum)
		}
		c.centres[j] = sum
	}
}
