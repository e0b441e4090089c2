package page

import (
	"fmt"
	"html"
	"html/template"
	"math"
	"strings"
)

// Curve is a curve over the values X of a setting. At each X it has the values of all seeds.
type Curve struct {
	Group  string
	Colour int
	X      []float64
	Y      [][]float64 // the values at each X; an X without values is left out
}

// Band is a level that the curves are compared with. It does not depend on X.
type Band struct {
	Group  string
	Colour int
	Y      []float64
}

// Curves draws the mean of each curve with a whisker of one standard deviation and a dot for each seed. It draws each
// level as a dashed line with its deviation as a pale band. With logX all X must be positive.
func Curves(title, xlabel, ylabel string, curves []Curve, levels []Band, logX bool) template.HTML {
	a, xs, ok := curveAxes(curves, levels, logX)
	if !ok {
		return ""
	}
	var b strings.Builder
	entries, rows := legend(legendOf(curves, levels), plotBottom+46)
	frame(&b, title, ylabel, plotBottom+36+14*rows, a)
	for _, l := range levels {
		l.draw(&b, a)
	}
	x := func(v float64) float64 {
		if xs.log {
			v = math.Log10(v)
		}
		return padLeft + 8 + (v-xs.lo)/(xs.hi-xs.lo)*(chartW-padLeft-padRight-16)
	}
	for _, t := range places(curves) {
		fmt.Fprintf(&b, `<text x="%.1f" y="%g" class="tick" text-anchor="middle">%g</text>`, x(t), plotBottom+15, t)
	}
	fmt.Fprintf(&b, `<text x="%g" y="%g" class="tick" text-anchor="middle">%s</text>`,
		(padLeft+chartW-padRight)/2, plotBottom+29, html.EscapeString(xlabel))
	for _, c := range curves {
		c.draw(&b, a, x)
	}
	b.WriteString(entries + "</svg>")
	return template.HTML(b.String())
}

// curveAxes returns the axis of the values, which has room for every whisker, and the axis of the setting.
func curveAxes(curves []Curve, levels []Band, logX bool) (a, xs axis, ok bool) {
	var all []float64
	reach := func(ys []float64) {
		m, d := Mean(ys), Deviation(ys)
		all = append(append(all, ys...), m-d, m+d)
	}
	for _, c := range curves {
		for _, ys := range c.Y {
			reach(ys)
		}
	}
	for _, l := range levels {
		reach(l.Y)
	}
	if a, ok = newAxis(all, false); !ok {
		return a, xs, false
	}
	xs = axis{math.Inf(1), math.Inf(-1), logX}
	for _, v := range places(curves) {
		if logX {
			v = math.Log10(v)
		}
		xs.lo, xs.hi = min(xs.lo, v), max(xs.hi, v)
	}
	if xs.hi-xs.lo < 1e-9 {
		xs.lo, xs.hi = xs.lo-0.5, xs.hi+0.5
	}
	return a, xs, true
}

// places returns the X of all curves, without repetitions.
func places(curves []Curve) (out []float64) {
	seen := map[float64]bool{}
	for _, c := range curves {
		for _, x := range c.X {
			if !seen[x] {
				seen[x], out = true, append(out, x)
			}
		}
	}
	return out
}

func legendOf(curves []Curve, levels []Band) (out []Series) {
	for _, c := range curves {
		out = append(out, Series{Group: c.Group, Colour: c.Colour})
	}
	for _, l := range levels {
		out = append(out, Series{Group: l.Group, Colour: l.Colour})
	}
	return out
}

func (c Curve) draw(b *strings.Builder, a axis, x func(float64) float64) {
	var points []string
	for i, ys := range c.Y {
		if m, d := Mean(ys), Deviation(ys); !math.IsNaN(m) {
			points = append(points, fmt.Sprintf("%.1f,%.1f", x(c.X[i]), a.at(m)))
			if !math.IsNaN(d) {
				segment(b, x(c.X[i]), x(c.X[i]), a.at(m-d), a.at(m+d), c.Colour)
			}
			for _, y := range ys {
				fmt.Fprintf(b, `<circle cx="%.1f" cy="%.1f" r="2.5" class="f%d dot"/>`, x(c.X[i]), a.at(y), c.Colour)
			}
		}
	}
	fmt.Fprintf(b, `<polyline points="%s" class="line c%d"/>`, strings.Join(points, " "), c.Colour)
}

func (l Band) draw(b *strings.Builder, a axis) {
	m, d := Mean(l.Y), Deviation(l.Y)
	if math.IsNaN(m) {
		return
	}
	if !math.IsNaN(d) {
		fmt.Fprintf(b, `<rect x="%g" y="%.1f" width="%g" height="%.1f" class="f%d" opacity="0.12"/>`,
			padLeft, a.at(m+d), chartW-padLeft-padRight, a.at(m-d)-a.at(m+d), l.Colour)
	}
	fmt.Fprintf(b, `<line x1="%g" x2="%g" y1="%.1f" y2="%.1f" class="line c%d" stroke-dasharray="5 4"/>`,
		padLeft, chartW-padRight, a.at(m), a.at(m), l.Colour)
}
