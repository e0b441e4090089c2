package report

import (
	"math"
	"strconv"
	"strings"
)

// axis maps values to a drawing's units and knows its ticks.
type axis struct {
	lo, hi   float64 // values (their logarithms when log)
	from, to float64 // units
	log      bool
	ticks    []tick
}

type tick struct {
	value float64
	label string
}

// newAxis covers the values that can be shown; none gives 0 to 1.
func newAxis(values []float64, from, to float64, log bool, ticks int) axis {
	a := axis{lo: math.Inf(1), hi: math.Inf(-1), from: from, to: to, log: log}
	for _, v := range values {
		if u, ok := a.scale(v); ok {
			a.lo, a.hi = min(a.lo, u), max(a.hi, u)
		}
	}
	if a.lo > a.hi {
		a.lo, a.hi = 0, 1
	}
	if a.hi-a.lo < 1e-9*max(1, math.Abs(a.hi)) { // a constant still gets an axis
		pad := max(0.5, 0.1*math.Abs(a.hi))
		if log {
			pad = 0.5
		}
		a.lo, a.hi = a.lo-pad, a.hi+pad
	}
	if log {
		a.decades(ticks)
	} else {
		a.linear(ticks)
	}
	return a
}

func (a *axis) scale(v float64) (float64, bool) {
	if a.log {
		if !(v > 0) {
			return 0, false
		}
		v = math.Log10(v)
	}
	return v, !math.IsNaN(v) && !math.IsInf(v, 0)
}

// at returns where a value lies; false when it cannot be shown.
func (a *axis) at(v float64) (float64, bool) {
	u, ok := a.scale(v)
	return a.from + (u-a.lo)/(a.hi-a.lo)*(a.to-a.from), ok
}

// linear widens the axis to whole steps of 1, 2 or 5 times a power of ten.
func (a *axis) linear(n int) {
	rough := (a.hi - a.lo) / float64(n)
	step := math.Pow(10, math.Floor(math.Log10(rough)))
	for _, f := range []float64{1, 2, 5, 10} {
		if f*step >= rough {
			step *= f
			break
		}
	}
	first, last := math.Floor(a.lo/step+1e-9), math.Ceil(a.hi/step-1e-9)
	digits := max(0, -int(math.Floor(math.Log10(step)+1e-9)))
	for k := first; k <= last; k++ {
		a.ticks = append(a.ticks, tick{k * step, number(k*step, digits)})
	}
	a.lo, a.hi = first*step, last*step
}

// decades puts ticks at powers of ten, or at 1, 2 and 5 times them when the
// axis spans few.
func (a *axis) decades(n int) {
	const margin = 0.04
	pad := margin * (a.hi - a.lo)
	a.lo, a.hi = a.lo-pad, a.hi+pad
	steps, every := []float64{1}, 1
	switch span := a.hi - a.lo; {
	case span < 0.35:
		steps = []float64{1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 7, 8}
	case span < 2:
		steps = []float64{1, 2, 5}
	default:
		every = int(math.Ceil(span / float64(n)))
	}
	for d := int(math.Floor(a.lo)); d <= int(math.Ceil(a.hi)); d++ {
		if d%every != 0 {
			continue
		}
		for _, f := range steps {
			if v := f * math.Pow(10, float64(d)); math.Log10(v) >= a.lo && math.Log10(v) <= a.hi {
				a.ticks = append(a.ticks, tick{v, power(f, d)})
			}
		}
	}
}

func number(v float64, digits int) string {
	return strings.Replace(strconv.FormatFloat(v+0, 'f', digits, 64), "-", "−", 1)
}

// power writes f times ten to the d.
func power(f float64, d int) string {
	if d >= -2 && d <= 3 {
		return strconv.FormatFloat(f*math.Pow(10, float64(d)), 'g', 4, 64)
	}
	digits := strings.NewReplacer("-", "⁻", "0", "⁰", "1", "¹", "2", "²", "3", "³", "4", "⁴", "5", "⁵", "6", "⁶", "7", "⁷", "8", "⁸", "9", "⁹")
	ten := "10" + digits.Replace(strconv.Itoa(d))
	if f == 1 {
		return ten
	}
	return strconv.FormatFloat(f, 'g', 2, 64) + "·" + ten
}
