package page

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// Holm adjusts the p-values of several tests so that the probability of any false finding among them stays below the
// level (Holm 1979). The NaN of a difference that could not be tested stays NaN and does not count as a test.
func Holm(ps []float64) []float64 {
	order := tested(ps)
	slices.SortStableFunc(order, func(i, j int) int { return cmp.Compare(ps[i], ps[j]) })
	out := slices.Repeat([]float64{math.NaN()}, len(ps))
	least := 0.0
	for k, i := range order {
		least = max(least, min(1, float64(len(order)-k)*ps[i]))
		out[i] = least
	}
	return out
}

// tested returns the indices of the p-values that are not NaN.
func tested(ps []float64) (at []int) {
	for i, p := range ps {
		if !math.IsNaN(p) {
			at = append(at, i)
		}
	}
	return at
}

// Adjusted returns the texts of a table's primary differences, each with its p-value after Holm's correction over all
// of them. tests is the number of differences that could be tested.
func Adjusted(ds []Paired) (texts []string, tests int) {
	ps := make([]float64, len(ds))
	for i, d := range ds {
		ps[i] = d.P()
	}
	for i, p := range Holm(ps) {
		text := ds[i].String()
		if !math.IsNaN(p) {
			text += ", " + probability(p)
		}
		texts = append(texts, text)
	}
	return texts, len(tested(ps))
}

func probability(p float64) string {
	if p < 0.001 {
		return "p < 0.001"
	}
	return fmt.Sprintf("p %.3f", p)
}
