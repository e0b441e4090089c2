package interventions

import (
	"fmt"
	"math"
	"slices"

	"github.com/icl-msr/icl-msr/datasets"
	"github.com/icl-msr/icl-msr/internal/field"
)

// Strata divides the pictures of a data set by their background. Backdoor adjustment compares pictures within a
// stratum, and weights each stratum by its share: P(Y|do(X)) = sum over strata b of P(Y|X, b) P(b).
type Strata struct {
	Of      []int     // stratum of each picture, from 0
	Shares  []float64 // share of the pictures in each stratum
	Centres [][]float64
}

// NewStrata returns strata by number. It renumbers them without gaps, in the order of the numbers.
func NewStrata(of []int) (Strata, error) {
	if len(of) == 0 {
		return Strata{}, fmt.Errorf("interventions: strata of no pictures")
	}
	numbers := slices.Compact(slices.Sorted(slices.Values(of)))
	if numbers[0] < 0 {
		return Strata{}, fmt.Errorf("interventions: stratum %d; want 0 or more", numbers[0])
	}
	s := Strata{Of: make([]int, len(of)), Shares: make([]float64, len(numbers))}
	for i, n := range of {
		s.Of[i], _ = slices.BinarySearch(numbers, n)
		s.Shares[s.Of[i]] += 1 / float64(len(of))
	}
	return s, nil
}

// KnownStrata returns the kinds of background that ds knows (datasets.Backgrounds).
func KnownStrata(ds datasets.Dataset) (Strata, error) {
	t, err := datasets.TwinsOf(ds)
	if err != nil {
		return Strata{}, err
	}
	return NewStrata(t.Background)
}

// Cluster divides pictures by k-means of their features (BorderFeatures). Each picture has one row.
func Cluster(features [][]float64, o ClusterOptions) (Strata, error) {
	if o.K < 1 || o.K > len(features) {
		return Strata{}, field.Errorf("{interventions.K} %d: want 1 to %d, the number of pictures", o.K, len(features))
	}
	for i, f := range features {
		if len(f) != len(features[0]) || slices.ContainsFunc(f, func(v float64) bool { return math.IsNaN(v - v) }) {
			return Strata{}, fmt.Errorf("interventions: the features of picture %d are not %d finite numbers", i,
				len(features[0]))
		}
	}
	if o.Starts == 0 {
		o.Starts = 5
	}
	if o.Iterations == 0 {
		o.Iterations = 50
	}
	c := kMeans(features, o)
	s, err := NewStrata(c.own)
	for _, j := range slices.Compact(slices.Sorted(slices.Values(c.own))) {
		s.Centres = append(s.Centres, c.centres[j])
	}
	return s, err
}

// Sizes returns the number of pictures in each stratum.
func (s Strata) Sizes() []int {
	sizes := make([]int, len(s.Shares))
	for _, b := range s.Of {
		sizes[b]++
	}
	return sizes
}

// Merge joins strata until each has at least the given number of pictures. It begins with the smallest stratum, and
// joins it to the stratum with the nearest centre or, if there are no centres, to the smallest other one. It returns an
// error if all pictures together are fewer.
func (s Strata) Merge(least int) (Strata, error) {
	if len(s.Of) < least {
		return s, fmt.Errorf("interventions: strata of at least %d pictures are asked of %d pictures", least, len(s.Of))
	}
	sizes, of, centres := s.Sizes(), slices.Clone(s.Of), cloneRows(s.Centres)
	for {
		small := smallest(sizes, -1)
		if sizes[small] >= least {
			break
		}
		into := smallest(sizes, small)
		if centres != nil {
			into = nearestOther(centres, sizes, small)
		}
		for i, b := range of {
			if b == small {
				of[i] = into
			}
		}
		if centres != nil {
			a, b := float64(sizes[into]), float64(sizes[small])
			for k := range centres[into] {
				centres[into][k] = (a*centres[into][k] + b*centres[small][k]) / (a + b)
			}
		}
		sizes[into], sizes[small] = sizes[into]+sizes[small], 0
	}
	out, err := NewStrata(of)
	for j := range centres {
		if sizes[j] > 0 {
			out.Centres = append(out.Centres, centres[j])
		}
	}
	return out, err
}

func cloneRows(rows [][]float64) (out [][]float64) {
	for _, r := range rows {
		out = append(out, slices.Clone(r))
	}
	return out
}

// smallest returns the smallest stratum that is not empty and not but.
func smallest(sizes []int, but int) int {
	at := -1
	for j, n := range sizes {
		if n > 0 && j != but && (at < 0 || n < sizes[at]) {
			at = j
		}
	}
	return at
}

func nearestOther(centres [][]float64, sizes []int, of int) int {
	at, best := -1, math.Inf(1)
	for j, c := range centres {
		if d := distance2(c, centres[of]); j != of && sizes[j] > 0 && d < best {
			at, best = j, d
		}
	}
	return at
}

// Purity is the share of pictures whose kind is the most frequent one in their stratum. It is 1 if each stratum has
// only one kind. kinds has a known background, or a label, for each picture.
func (s Strata) Purity(kinds []int) float64 {
	counts := map[[2]int]int{}
	most := make([]int, len(s.Shares))
	for i, b := range s.Of {
		key := [2]int{b, kinds[i]}
		counts[key]++
		most[b] = max(most[b], counts[key])
	}
	sum := 0
	for _, n := range most {
		sum += n
	}
	return float64(sum) / float64(len(s.Of))
}
