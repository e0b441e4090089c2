package page

import (
	"fmt"
	"html"
	"html/template"
	"math"
	"strings"
)

// Series is one line of a chart. Series of one Group share a colour and one
// entry of the legend.
type Series struct {
	Group  string
	Colour int       // 0 to 5
	Y      []float64 // at x = 1, 2, ...; NaN leaves a gap
}

// Chart size in its own units; the page scales it.
const (
	chartW, chartH                    = 460.0, 250.0
	padLeft, padRight, padTop, padBot = 52.0, 10.0, 26.0, 34.0
)

// axis maps values to the chart's height.
type axis struct {
	lo, hi float64
	log    bool
}

func (a axis) at(v float64) float64 {
	if a.log {
		v = math.Log10(v)
	}
	return chartH - padBot - (v-a.lo)/(a.hi-a.lo)*(chartH-padTop-padBot)
}

func newAxis(values []float64, log bool) (axis, bool) {
	a := axis{math.Inf(1), math.Inf(-1), log}
	for _, v := range values {
		if log {
			v = math.Log10(v)
		}
		if !math.IsNaN(v) && !math.IsInf(v, 0) {
			a.lo, a.hi = min(a.lo, v), max(a.hi, v)
		}
	}
	if a.lo > a.hi {
		return a, false
	}
	if log {
		a.lo, a.hi = math.Floor(a.lo), math.Ceil(a.hi)
	}
	if a.hi-a.lo < 1e-9 {
		a.lo, a.hi = a.lo-0.5, a.hi+0.5
	}
	if !log {
		a.lo, a.hi = a.lo-0.05*(a.hi-a.lo), a.hi+0.05*(a.hi-a.lo)
	}
	return a, true
}

// ticks returns round values inside the axis.
func (a axis) ticks() (values []float64, labels []string) {
	if a.log {
		step, within := math.Max(1, math.Ceil((a.hi-a.lo)/5)), []float64{1}
		if a.hi-a.lo <= 2 {
			within = []float64{1, 2, 5}
		}
		for e := a.lo; e <= a.hi; e += step {
			for _, m := range within {
				if m == 1 || e < a.hi {
					values, labels = append(values, m*math.Pow(10, e)), append(labels, fmt.Sprintf("%ge%g", m, e))
				}
			}
		}
		return values, labels
	}
	raw := (a.hi - a.lo) / 4
	step := math.Pow(10, math.Floor(math.Log10(raw)))
	for _, m := range []float64{5, 2} {
		if raw >= m*step {
			step *= m
			break
		}
	}
	for v := math.Ceil(a.lo/step) * step; v <= a.hi; v += step {
		values, labels = append(values, v), append(labels, fmt.Sprintf("%.4g", plain(math.Round(v/step)*step)))
	}
	return values, labels
}

func frame(b *strings.Builder, title, ylabel string, a axis) {
	fmt.Fprintf(b, `<svg viewBox="0 0 %g %g" role="img" aria-label="%s"><text x="%g" y="15" class="title">%s</text>`, chartW, chartH, html.EscapeString(title), padLeft, html.EscapeString(title))
	values, labels := a.ticks()
	for i, v := range values {
		y := a.at(v)
		fmt.Fprintf(b, `<line x1="%g" x2="%g" y1="%.1f" y2="%.1f" class="grid"/><text x="%g" y="%.1f" class="tick" text-anchor="end">%s</text>`, padLeft, chartW-padRight, y, y, padLeft-6, y+4, labels[i])
	}
	if ylabel != "" {
		fmt.Fprintf(b, `<text transform="translate(12 %g) rotate(-90)" text-anchor="middle" class="tick">%s</text>`, (chartH-padBot+padTop)/2, html.EscapeString(ylabel))
	}
}

// Lines is a line chart over epochs, a colour for each group.
func Lines(title, ylabel string, series []Series, log bool) template.HTML {
	var all []float64
	n := 0
	for _, s := range series {
		all, n = append(all, s.Y...), max(n, len(s.Y))
	}
	a, ok := newAxis(all, log)
	if !ok {
		return ""
	}
	var b strings.Builder
	frame(&b, title, ylabel, a)
	x := func(i int) float64 {
		return padLeft + 8 + float64(i)/math.Max(1, float64(n-1))*(chartW-padLeft-padRight-16)
	}
	for i := 0; i < n; i += max(1, (n+7)/8) {
		fmt.Fprintf(&b, `<text x="%.1f" y="%g" class="tick" text-anchor="middle">%d</text>`, x(i), chartH-padBot+16, i+1)
	}
	fmt.Fprintf(&b, `<text x="%g" y="%g" class="tick" text-anchor="end">epoch</text>`, chartW-padRight, chartH-4)
	for _, s := range series {
		var points []string
		for i, y := range s.Y {
			if v := a.at(y); !math.IsNaN(v) && !math.IsInf(v, 0) {
				points = append(points, fmt.Sprintf("%.1f,%.1f", x(i), v))
			}
		}
		fmt.Fprintf(&b, `<polyline points="%s" class="line c%d"/>`, strings.Join(points, " "), s.Colour)
	}
	legend(&b, series)
	b.WriteString("</svg>")
	return template.HTML(b.String())
}

func legend(b *strings.Builder, series []Series) {
	x, seen := padLeft, map[string]bool{}
	for _, s := range series {
		if seen[s.Group] {
			continue
		}
		seen[s.Group] = true
		fmt.Fprintf(b, `<rect x="%.1f" y="%g" width="10" height="10" class="f%d"/><text x="%.1f" y="%g" class="tick">%s</text>`, x, chartH-13, s.Colour, x+14, chartH-4, html.EscapeString(s.Group))
		x += 24 + 7.4*float64(len(s.Group))
	}
}

// Dots is a chart of groups side by side: a dot for each seed, a bar at the
// mean with a whisker of one standard deviation to each side.
func Dots(title, ylabel string, columns []string, values map[string][]Series) template.HTML {
	var all []float64
	for _, ss := range values {
		for _, s := range ss {
			all = append(all, s.Y...)
		}
	}
	a, ok := newAxis(all, false)
	if !ok {
		return ""
	}
	var b strings.Builder
	frame(&b, title, ylabel, a)
	var some []Series
	width := (chartW - padLeft - padRight) / float64(len(columns))
	for k, column := range columns {
		left := padLeft + float64(k)*width
		fmt.Fprintf(&b, `<text x="%.1f" y="%g" class="tick" text-anchor="middle">%s</text>`, left+width/2, chartH-padBot+14, html.EscapeString(column))
		ss := values[column]
		some = ss
		for j, s := range ss {
			x := left + (float64(j)+1)/(float64(len(ss))+1)*width
			m, d := Mean(s.Y), Deviation(s.Y)
			fmt.Fprintf(&b, `<line x1="%.1f" x2="%.1f" y1="%.1f" y2="%.1f" class="line c%d"/><line x1="%.1f" x2="%.1f" y1="%.1f" y2="%.1f" class="line c%d"/>`,
				x-9, x+9, a.at(m), a.at(m), s.Colour, x, x, a.at(m-d), a.at(m+d), s.Colour)
			for i, y := range s.Y {
				fmt.Fprintf(&b, `<circle cx="%.1f" cy="%.1f" r="3" class="f%d dot"/>`, x-5+10*float64(i)/math.Max(1, float64(len(s.Y)-1)), a.at(y), s.Colour)
			}
		}
	}
	legend(&b, some)
	b.WriteString("</svg>")
	return template.HTML(b.String())
}
