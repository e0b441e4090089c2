// Package page reports the results of experiments: statistics over paired seeds, charts as SVG, and a page in one
// self-contained HTML file.
package page

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/stat/distuv"
)

// Mean returns the arithmetic mean; NaN for no values.
func Mean(xs []float64) float64 {
	sum := 0.0
	for _, x := range xs {
		sum += x
	}
	return sum / float64(len(xs))
}

// Deviation returns the sample standard deviation (n-1); NaN for fewer than two values.
func Deviation(xs []float64) float64 {
	if len(xs) < 2 {
		return math.NaN()
	}
	m, sum := Mean(xs), 0.0
	for _, x := range xs {
		sum += (x - m) * (x - m)
	}
	return math.Sqrt(sum / float64(len(xs)-1))
}

// confidence is the level of all intervals.
const confidence = 0.95

// HalfWidth is half the 95 % interval, by Student's t, of a mean of n values with the given standard error. It is NaN
// for fewer than two values.
func HalfWidth(n int, stdError float64) float64 {
	if n < 2 {
		return math.NaN()
	}
	t := distuv.StudentsT{Sigma: 1, Nu: float64(n - 1)}
	return t.Quantile((1+confidence)/2) * stdError
}

// Interval is the 95 % interval of the mean of xs; NaN for fewer than two values.
func Interval(xs []float64) (lo, hi float64) {
	h := HalfWidth(len(xs), Deviation(xs)/math.Sqrt(float64(len(xs))))
	return Mean(xs) - h, Mean(xs) + h
}

// Paired is the mean difference b-a over pairs with its standard error, which is NaN for fewer than two pairs.
type Paired struct {
	N              int
	Mean, StdError float64
}

// Pair compares b with a, seed by seed. The lists must have the same length.
func Pair(a, b []float64) Paired {
	d, largest := make([]float64, min(len(a), len(b))), 0.0
	for i := range d {
		d[i], largest = b[i]-a[i], max(largest, math.Abs(a[i]), math.Abs(b[i]))
	}
	p := Paired{len(d), Mean(d), Deviation(d) / math.Sqrt(float64(len(d)))}
	if p.StdError < 1e-12*largest {
		p.StdError = 0 // the differences only differ by rounding, so there is no spread to test with
		if math.Abs(p.Mean) < 1e-12*largest {
			p.Mean = 0
		}
	}
	return p
}

// Interval is the 95 % interval of the difference, by Student's t.
func (p Paired) Interval() (lo, hi float64) {
	h := HalfWidth(p.N, p.StdError)
	return p.Mean - h, p.Mean + h
}

// IntervalAt is the difference's interval, by Student's t, at a confidence such as 0.99. It is NaN for fewer than two
// pairs.
func (p Paired) IntervalAt(confidence float64) (lo, hi float64) {
	if p.N < 2 {
		return math.NaN(), math.NaN()
	}
	h := distuv.StudentsT{Sigma: 1, Nu: float64(p.N - 1)}.Quantile((1+confidence)/2) * p.StdError
	return p.Mean - h, p.Mean + h
}

// P is the two-sided p-value of the paired t test that there is no difference. It is 1 if no pair differs, and NaN if
// there is no spread to test with.
func (p Paired) P() float64 {
	switch {
	case p.N > 1 && p.Mean == 0:
		return 1
	case p.N < 2 || p.StdError == 0 || math.IsNaN(p.StdError):
		return math.NaN()
	}
	t := distuv.StudentsT{Sigma: 1, Nu: float64(p.N - 1)}
	return 2 * t.CDF(-math.Abs(p.Mean)/p.StdError)
}

// String is the difference and its 95 % interval, rounded to hundredths. The interval is left out for a single pair and
// for equal differences. Without pairs it is a dash.
func (p Paired) String() string {
	if p.N == 0 || math.IsNaN(p.Mean) {
		return "-"
	}
	text := fmt.Sprintf("%+.2f", hundredths(p.Mean))
	switch {
	case p.N < 2:
		return text
	case p.StdError == 0:
		return text + " with every seed"
	}
	lo, hi := p.Interval()
	return fmt.Sprintf("%s [%+.2f, %+.2f]", text, hundredths(lo), hundredths(hi))
}

func hundredths(x float64) float64 { return plain(math.Round(100*x) / 100) }

// plain turns -0, which would be printed with its sign, into 0.
func plain(x float64) float64 {
	if x == 0 {
		return 0
	}
	return x
}

// Verdict says in words what the difference is evidence for.
func (p Paired) Verdict() string {
	lo, hi := p.Interval()
	switch {
	case p.N == 0:
		return "no seed of both"
	case p.N < 2:
		return "one seed: no spread, no conclusion"
	case p.StdError == 0 || !(lo > 0 || hi < 0):
		return fmt.Sprintf("cannot be told from chance with %d seeds", p.N)
	case p.N < 10:
		return fmt.Sprintf("its 95 %% interval leaves 0 out, but %d seeds are too few for a claim", p.N)
	case p.Mean > 0:
		return "better: its 95 % interval leaves 0 out"
	}
	return "worse: its 95 % interval leaves 0 out"
}
