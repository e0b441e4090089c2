package page

import (
	"fmt"
	"html"
	"html/template"
	"math"
	"strings"
)

// Level is a named horizontal line across a chart of bars.
type Level struct {
	Name  string
	Value float64
}

// Bars draws groups side by side. Each group has a bar from 0 to the mean over seeds and, if there are several seeds, a
// whisker for the mean's 95 % interval. Levels are lines across the chart.
func Bars(title, ylabel string, columns []string, values map[string][]Series, levels ...Level) template.HTML {
	values = finite(values)
	all := []float64{0}
	for _, ss := range values {
		for _, s := range ss {
			lo, hi := Interval(s.Y)
			all = append(all, Mean(s.Y), lo, hi)
		}
	}
	for _, l := range levels {
		all = append(all, l.Value)
	}
	a, ok := newAxis(all, false)
	if !ok || len(columns) == 0 {
		return ""
	}
	var labels, b strings.Builder
	width := (chartW - padLeft - padRight) / float64(len(columns))
	room := below(&labels, columns, width)
	entries, rows := legend(values[columns[0]], plotBottom+room+12)
	frame(&b, title, ylabel, plotBottom+room+4+14*rows, a)
	b.WriteString(labels.String())
	for k, column := range columns {
		for j, s := range values[column] {
			wide := 0.8 * width / float64(len(values[column]))
			bar(&b, padLeft+(float64(k)+0.1)*width+float64(j)*wide, wide, a, s)
		}
	}
	for _, l := range levels {
		if y := a.at(l.Value); !math.IsNaN(y) {
			fmt.Fprintf(&b, `<line x1="%g" x2="%g" y1="%.1f" y2="%.1f" class="level" `+
				`stroke="currentColor" stroke-dasharray="5 3"/><text x="%g" y="%.1f" class="tick" `+
				`text-anchor="end">%s</text>`, padLeft, chartW-padRight, y, y, chartW-padRight, y-4, html.EscapeString(l.Name))
		}
	}
	b.WriteString(entries + "</svg>")
	return template.HTML(b.String())
}

// bar draws one bar with its whisker. It draws nothing if there is no number.
func bar(b *strings.Builder, x, width float64, a axis, s Series) {
	m := Mean(s.Y)
	if math.IsNaN(m) {
		return
	}
	top, bottom := a.at(max(m, 0)), a.at(min(m, 0))
	fmt.Fprintf(b, `<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" class="f%d dot"/>`, x, top, 0.9*width,
		bottom-top, s.Colour)
	if lo, hi := Interval(s.Y); !math.IsNaN(lo) {
		middle := x + 0.45*width
		fmt.Fprintf(b, `<line x1="%.1f" x2="%.1f" y1="%.1f" y2="%.1f" class="whisker" stroke="currentColor"/>`, middle,
			middle, a.at(lo), a.at(hi))
	}
}
