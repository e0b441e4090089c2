package report

import "math"

// Mean returns the mean, NaN of no values.
func Mean(x []float64) float64 {
	sum := 0.0
	for _, v := range x {
		sum += v
	}
	return sum / float64(len(x))
}

// SD returns the sample standard deviation (n-1), NaN of fewer than two values.
func SD(x []float64) float64 {
	if len(x) < 2 {
		return math.NaN()
	}
	mean, sum := Mean(x), 0.0
	for _, v := range x {
		sum += (v - mean) * (v - mean)
	}
	return math.Sqrt(sum / float64(len(x)-1))
}

// SE returns the standard error of the mean, NaN of fewer than two values.
func SE(x []float64) float64 { return SD(x) / math.Sqrt(float64(len(x))) }

// Paired is the difference of two methods over the seeds that both were run with.
type Paired struct {
	Differences []float64 // one a seed
	Mean        float64
	SE          float64 // NaN with fewer than two seeds
}

// Pair returns the differences y[i] - x[i] and their mean and standard error.
// Pairs with a value that is not finite are left out.
func Pair(x, y []float64) Paired {
	var d []float64
	for i := range min(len(x), len(y)) {
		if v := y[i] - x[i]; !math.IsNaN(v) && !math.IsInf(v, 0) {
			d = append(d, v)
		}
	}
	return Paired{d, Mean(d), SE(d)}
}

// N is the number of seeds.
func (p Paired) N() int { return len(p.Differences) }

// Beyond reports whether the mean is at least two standard errors from zero.
func (p Paired) Beyond() bool { return p.N() > 1 && p.Mean != 0 && math.Abs(p.Mean) >= 2*p.SE }

// ChanceBeyond is the probability that Beyond is true of n paired seeds when
// there is no effect and the differences are normal: Student's two-sided tail at
// t = 2 with n-1 degrees of freedom, by the finite series (Abramowitz and
// Stegun, 26.7.3 and 26.7.4). It is 0.18 for three seeds and 0.08 for ten.
func ChanceBeyond(n int) float64 {
	if n < 2 {
		return 0
	}
	nu := n - 1
	theta := math.Atan(2 / math.Sqrt(float64(nu)))
	sin, cos := math.Sincos(theta)
	inside := 0.0
	if nu%2 == 1 {
		inside = 2 / math.Pi * theta
		for k, term := 1, 2/math.Pi*sin*cos; k < nu; k += 2 {
			inside += term
			term *= cos * cos * float64(k+1) / float64(k+2)
		}
	} else {
		for k, term := 0, sin; k < nu; k += 2 {
			inside += term
			term *= cos * cos * float64(k+1) / float64(k+2)
		}
	}
	return 1 - inside
}
