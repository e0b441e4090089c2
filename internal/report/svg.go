package report

import (
	"fmt"
	"html"
	"html/template"
	"strings"
)

// Charts are drawn in units that are pixels at their natural width, which is
// narrow: wide pages put them side by side instead of enlarging them, so that
// the text keeps its size.
const (
	chartWidth = 460
	fontSize   = 12.5
	charWidth  = 6.6 // about a mean character at that size
)

// svg builds a drawing. Colours and strokes come from the page's classes.
type svg struct{ strings.Builder }

func (s *svg) line(class string, x1, y1, x2, y2 float64) {
	fmt.Fprintf(s, `<line class="%s" x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f"/>`, class, x1, y1, x2, y2)
}

func (s *svg) text(class, anchor string, x, y float64, text string) {
	fmt.Fprintf(s, `<text class="%s" text-anchor="%s" x="%.1f" y="%.1f">%s</text>`, class, anchor, x, y, html.EscapeString(text))
}

func (s *svg) dot(class string, x, y, r float64, title string) {
	fmt.Fprintf(s, `<circle class="%s" cx="%.1f" cy="%.1f" r="%.1f"><title>%s</title></circle>`, class, x, y, r, html.EscapeString(title))
}

func (s *svg) rect(class string, x, y, w, h float64, title string) {
	fmt.Fprintf(s, `<rect class="%s" x="%.1f" y="%.1f" width="%.1f" height="%.1f"><title>%s</title></rect>`, class, x, y, w, h, html.EscapeString(title))
}

// finish wraps the drawing; alt is its text for those who do not see it.
func (s *svg) finish(height float64, alt string) template.HTML {
	return template.HTML(fmt.Sprintf(`<svg role="img" viewBox="0 0 %d %.0f" aria-label="%s" font-size="%.1f">%s</svg>`, //nolint:gosec // every text in it is escaped
		chartWidth, height, html.EscapeString(alt), fontSize, s.String()))
}

// width is about that of a text.
func width(text string) float64 { return charWidth * float64(len([]rune(text))) }

// clip shortens a text to a width.
func clip(text string, room float64) string {
	r := []rune(text)
	if n := int(room / charWidth); len(r) > n && n > 1 {
		return string(r[:n-1]) + "…"
	}
	return text
}

// series is the class of a method's marks: its place among the methods.
func series(i int) string { return fmt.Sprintf("m%d", i%8) }
