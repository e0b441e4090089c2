// Package page draws what experiments found: statistics over paired seeds,
// charts as SVG, and a page in one self-contained HTML file.
package page

import (
	"fmt"
	"math"
)

// Mean returns the arithmetic mean, NaN of nothing.
func Mean(xs []float64) float64 {
	sum := 0.0
	for _, x := range xs {
		sum += x
	}
	return sum / float64(len(xs))
}

// Deviation returns the sample standard deviation (n-1), 0 of fewer than two.
func Deviation(xs []float64) float64 {
	if len(xs) < 2 {
		return 0
	}
	m, sum := Mean(xs), 0.0
	for _, x := range xs {
		sum += (x - m) * (x - m)
	}
	return math.Sqrt(sum / float64(len(xs)-1))
}

// Paired is the mean difference b-a over pairs, with its standard error.
type Paired struct {
	N              int
	Mean, StdError float64
}

// Pair compares b with a, seed by seed. The lists have one length.
func Pair(a, b []float64) Paired {
	d := make([]float64, min(len(a), len(b)))
	for i := range d {
		d[i] = b[i] - a[i]
	}
	return Paired{len(d), Mean(d), Deviation(d) / math.Sqrt(float64(len(d)))}
}

// String is the difference and its standard error, rounded to hundredths; a dash
// where there is none.
func (p Paired) String() string {
	if p.N == 0 || math.IsNaN(p.Mean) {
		return "-"
	}
	return fmt.Sprintf("%+.2f ± %.2f", plain(math.Round(100*p.Mean)/100), p.StdError)
}

// plain turns -0 to 0, which formats would show with its sign.
func plain(x float64) float64 {
	if x == 0 {
		return 0
	}
	return x
}

// Verdict says in words what the difference is evidence of, and no more.
func (p Paired) Verdict() string {
	switch {
	case p.N == 0:
		return "no seed of both"
	case p.N < 2:
		return "one seed: no spread, no conclusion"
	case math.Abs(p.Mean) < 2*p.StdError || p.StdError == 0:
		return fmt.Sprintf("cannot be told from chance with %d seeds", p.N)
	case p.N < 10:
		return fmt.Sprintf("more than twice its standard error, but %d seeds are too few for a claim", p.N)
	case p.Mean > 0:
		return "better, by more than twice its standard error"
	}
	return "worse, by more than twice its standard error"
}
