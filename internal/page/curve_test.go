package page_test

import (
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/icl-msr/icl-msr/internal/page"
)

// On a logarithmic axis 1 lies midway between 0.01 and 100, from 60 to 442.
func TestCurvesShowMeansAndSpread(t *testing.T) {
	three := page.Curve{Group: "linear", X: []float64{0.01, 1, 100}, Y: [][]float64{{1, 3}, {2}, nil}}
	svg := string(page.Curves("t", "lambda", "y", []page.Curve{three}, nil, true))
	assert.Contains(t, svg, `<polyline points="60.0,121.0 251.0,121.0" class="line c0"/>`,
		"means 2 and 2, and none of 100")
	assert.Equal(t, 3, strings.Count(svg, "<circle"), "a dot for each seed")
	assert.Equal(t, 1, strings.Count(svg, `class="line c0"/>`)-1, "a whisker where there are two seeds")
	assert.Contains(t, svg, `<text x="442.0" y="231" class="tick" text-anchor="middle">100</text>`)
	assert.NotContains(t, svg, "NaN")
	level := page.Band{Group: "simclr", Colour: 1, Y: []float64{2, 4}}
	svg = string(page.Curves("t", "n", "y", []page.Curve{three}, []page.Band{level}, false))
	assert.Contains(t, svg, `stroke-dasharray="5 4"`)
	assert.Contains(t, svg, `opacity="0.12"`)
	assert.Contains(t, svg, ">simclr</text>")
	level.Y = []float64{2}
	svg = string(page.Curves("t", "n", "y", []page.Curve{three}, []page.Band{level}, false))
	assert.NotContains(t, svg, "opacity", "one seed has no band")
	assert.Empty(t, page.Curves("t", "n", "y", []page.Curve{{X: []float64{1}, Y: [][]float64{{math.NaN()}}}}, nil, false))
}
