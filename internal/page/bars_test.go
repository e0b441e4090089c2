package page

import (
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestBarsHaveIntervalsAndLevels(t *testing.T) {
	chart := string(Bars("gap <1>", "points", []string{"a", "b"}, map[string][]Series{
		"a": {{Group: "linear", Y: []float64{10, 12, 14}}, {Group: "5-NN", Colour: 1, Y: []float64{-3}}},
		"b": {{Group: "linear", Y: []float64{math.NaN()}}, {Group: "5-NN", Colour: 1}},
	}, Level{"bound & more", 55}))
	assert.Equal(t, 2, strings.Count(chart, `dot"/>`), "a bar for each mean that there is")
	assert.Equal(t, 1, strings.Count(chart, `class="whisker"`), "an interval of several seeds alone")
	assert.Equal(t, 1, strings.Count(chart, `class="level"`))
	assert.Contains(t, chart, "bound &amp; more")
	assert.Contains(t, chart, "gap &lt;1&gt;")
	assert.NotContains(t, chart, "NaN")
	assert.Empty(t, Bars("none", "", nil, nil))
}

// IntervalAt 95 % equals Interval. A higher confidence widens the interval.
func TestIntervalsAtAnyConfidence(t *testing.T) {
	p := Pair([]float64{1, 2, 3, 4}, []float64{2, 4, 3, 6})
	lo, hi := p.Interval()
	at, to := p.IntervalAt(0.95)
	assert.InDelta(t, lo, at, 1e-12)
	assert.InDelta(t, hi, to, 1e-12)
	// Student's t of 3 degrees of freedom has its 0.995 quantile at 5.8409.
	at, to = p.IntervalAt(0.99)
	assert.InDelta(t, p.Mean-5.8409*p.StdError, at, 1e-3)
	assert.InDelta(t, p.Mean+5.8409*p.StdError, to, 1e-3)
}
