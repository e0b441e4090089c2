package page

import (
	"fmt"
	"html"
	"html/template"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Colours is the number of colours in page.html.
const Colours = 8

// Series is one line of a chart. All series of a Group have one colour and one entry in the legend.
type Series struct {
	Group  string
	Colour int       // from 0 to Colours-1
	Y      []float64 // at x = 1, 2, ...; NaN leaves a gap
}

// Sizes of a chart in units of its own, which the page scales. Labels and legend take the room that they need below the
// plot.
const (
	chartW, plotBottom        = 460.0, 216.0
	padLeft, padRight, padTop = 52.0, 10.0, 26.0
	letter                    = 6.2 // approximate width of a letter in a label
)

// axis maps values to heights in the chart.
type axis struct {
	lo, hi float64
	log    bool
}

func (a axis) at(v float64) float64 {
	if a.log {
		v = math.Log10(v)
	}
	return plotBottom - (v-a.lo)/(a.hi-a.lo)*(plotBottom-padTop)
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

// frame begins a chart of the given height. It draws the title and the lines of the axis.
func frame(b *strings.Builder, title, ylabel string, height float64, a axis) {
	fmt.Fprintf(b, `<svg viewBox="0 0 %g %.0f" role="img" aria-label="%s"><text x="%g" y="15" class="title">%s</text>`,
		chartW, height, html.EscapeString(title), padLeft, html.EscapeString(title))
	values, labels := a.ticks()
	for i, v := range values {
		y := a.at(v)
		fmt.Fprintf(b, `<line x1="%g" x2="%g" y1="%.1f" y2="%.1f" class="grid"/><text x="%g" y="%.1f" class="tick" `+
			`text-anchor="end">%s</text>`, padLeft, chartW-padRight, y, y, padLeft-6, y+4, labels[i])
	}
	if ylabel != "" {
		fmt.Fprintf(b, `<text transform="translate(12 %g) rotate(-90)" text-anchor="middle" class="tick">%s</text>`,
			(plotBottom+padTop)/2, html.EscapeString(ylabel))
	}
}

// Lines draws a line chart over epochs. Each group has a colour.
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
	entries, rows := legend(series, plotBottom+34)
	frame(&b, title, ylabel, plotBottom+24+14*rows, a)
	x := func(i int) float64 {
		return padLeft + 8 + float64(i)/math.Max(1, float64(n-1))*(chartW-padLeft-padRight-16)
	}
	for i := 0; i < n; i += max(1, (n+7)/8) {
		label := strconv.Itoa(i + 1)
		if i == 0 {
			label = "epoch 1"
		}
		fmt.Fprintf(&b, `<text x="%.1f" y="%g" class="tick" text-anchor="middle">%s</text>`, x(i), plotBottom+16, label)
	}
	for _, s := range series {
		var points []string
		for i, y := range s.Y {
			if v := a.at(y); !math.IsNaN(v) && !math.IsInf(v, 0) {
				points = append(points, fmt.Sprintf("%.1f,%.1f", x(i), v))
				if n == 1 { // a line of one point would be invisible
					fmt.Fprintf(&b, `<circle cx="%.1f" cy="%.1f" r="3" class="f%d dot"/>`, x(i), v, s.Colour)
				}
			}
		}
		fmt.Fprintf(&b, `<polyline points="%s" class="line c%d"/>`, strings.Join(points, " "), s.Colour)
	}
	b.WriteString(entries + "</svg>")
	return template.HTML(b.String())
}

// legend lists the groups from y on, in as many rows as they need.
func legend(series []Series, y float64) (entries string, rows float64) {
	var b strings.Builder
	x, seen := padLeft, map[string]bool{}
	rows = 1
	for _, s := range series {
		if seen[s.Group] {
			continue
		}
		seen[s.Group] = true
		width := 26 + 1.15*letter*float64(len([]rune(s.Group)))
		if x > padLeft && x+width > chartW {
			x, y, rows = padLeft, y+14, rows+1
		}
		fmt.Fprintf(&b, `<rect x="%.1f" y="%g" width="10" height="10" class="f%d"/><text x="%.1f" y="%g" `+
			`class="tick">%s</text>`, x, y-9, s.Colour, x+14, y, html.EscapeString(s.Group))
		x += width
	}
	return b.String(), rows
}

// below labels columns of the given width under the plot. It slants labels that would overlap. It returns the height of
// the labels.
func below(b *strings.Builder, columns []string, width float64) (room float64) {
	longest := 0
	for _, c := range columns {
		longest = max(longest, len([]rune(c)))
	}
	slant := letter*float64(longest) > width-6
	for k, c := range columns {
		x := padLeft + (float64(k)+0.5)*width
		if slant {
			fmt.Fprintf(b, `<text transform="translate(%.1f %g) rotate(-35)" text-anchor="end" class="tick">%s</text>`, x+4,
				plotBottom+14, html.EscapeString(c))
		} else {
			fmt.Fprintf(b, `<text x="%.1f" y="%g" class="tick" text-anchor="middle">%s</text>`, x, plotBottom+14,
				html.EscapeString(c))
		}
	}
	if slant {
		return 12 + 0.58*letter*float64(longest)
	}
	return 20
}

// finite returns the values without NaN and infinities.
func finite(values map[string][]Series) map[string][]Series {
	out := map[string][]Series{}
	for column, ss := range values {
		for _, s := range ss {
			s.Y = slices.DeleteFunc(slices.Clone(s.Y), func(y float64) bool { return math.IsNaN(y) || math.IsInf(y, 0) })
			out[column] = append(out[column], s)
		}
	}
	return out
}

// segment draws a straight line.
func segment(b *strings.Builder, x1, x2, y1, y2 float64, colour int) {
	fmt.Fprintf(b, `<line x1="%.1f" x2="%.1f" y1="%.1f" y2="%.1f" class="line c%d"/>`, x1, x2, y1, y2, colour)
}

// Dots draws groups side by side. Each seed is a dot. A group of several seeds also has a bar at the mean and a whisker
// of one standard deviation to each side.
func Dots(title, ylabel string, columns []string, values map[string][]Series) template.HTML {
	var all []float64
	values = finite(values)
	for _, ss := range values {
		for _, s := range ss {
			m, d := Mean(s.Y), Deviation(s.Y)
			all = append(append(all, s.Y...), m-d, m+d)
		}
	}
	a, ok := newAxis(all, false)
	if !ok {
		return ""
	}
	var labels, b strings.Builder
	width := (chartW - padLeft - padRight) / float64(len(columns))
	room := below(&labels, columns, width)
	entries, rows := legend(values[columns[0]], plotBottom+room+12)
	frame(&b, title, ylabel, plotBottom+room+4+14*rows, a)
	b.WriteString(labels.String())
	for k, column := range columns {
		left := padLeft + float64(k)*width
		ss := values[column]
		for j, s := range ss {
			if len(s.Y) == 0 {
				continue
			}
			x := left + (float64(j)+1)/(float64(len(ss))+1)*width
			m, d, bar := Mean(s.Y), Deviation(s.Y), min(9, 0.4*width/float64(len(ss)))
			segment(&b, x-bar, x+bar, a.at(m), a.at(m), s.Colour)
			if !math.IsNaN(d) {
				segment(&b, x, x, a.at(m-d), a.at(m+d), s.Colour)
			}
			for i, y := range s.Y {
				fmt.Fprintf(&b, `<circle cx="%.1f" cy="%.1f" r="3" class="f%d dot"/>`,
					x-bar/2+bar*float64(i)/math.Max(1, float64(len(s.Y)-1)), a.at(y), s.Colour)
			}
		}
	}
	b.WriteString(entries + "</svg>")
	return template.HTML(b.String())
}
