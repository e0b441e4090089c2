package page_test

import (
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/icl-msr/icl-msr/internal/page"
)

func TestPairedDifference(t *testing.T) {
	// Differences 1, 3, 2: mean 2, deviation 1, standard error 1/sqrt 3.
	p := page.Pair([]float64{10, 20, 30}, []float64{11, 23, 32})
	assert.Equal(t, 3, p.N)
	assert.InDelta(t, 2, p.Mean, 1e-12)
	assert.InDelta(t, 1/math.Sqrt(3), p.StdError, 1e-12)
	assert.Contains(t, p.Verdict(), "3 seeds are too few")
	assert.Contains(t, page.Pair([]float64{1, 2}, []float64{2, 1}).Verdict(), "cannot be told from chance with 2 seeds")
	assert.Contains(t, page.Pair([]float64{1}, []float64{2}).Verdict(), "one seed")
	assert.Equal(t, "+0.00 ± 0.10", page.Paired{10, -0.001, 0.1}.String())
	assert.Equal(t, "-", page.Pair(nil, []float64{1}).String())
	assert.Equal(t, "-", page.Pair([]float64{math.NaN()}, []float64{1}).String())
	assert.Contains(t, page.Pair(nil, nil).Verdict(), "no seed of both")
	assert.Equal(t, "worse, by more than twice its standard error", page.Paired{10, -3, 1}.Verdict())
}

func TestTablesAsText(t *testing.T) {
	table := page.Table{Caption: "all", Head: []string{"a", "b"}, Rows: [][]string{{"x|y", "1, 2"}}}
	assert.Equal(t, "all\n\n| a | b |\n|---|---|\n| x\\|y | 1, 2 |\n", table.Markdown())
	assert.Equal(t, "table,a,b\nall,x|y,\"1, 2\"\n", table.CSV())
}

// What failed has no dots, and leaves the others theirs.
func TestChartsLeaveOutWhatThereIsNot(t *testing.T) {
	svg := string(page.Dots("t", "y", []string{"a", "b"}, map[string][]page.Series{"a": {{Group: "g"}}, "b": {{Group: "g", Y: []float64{1, math.NaN(), 3}}}}))
	assert.NotContains(t, svg, "NaN")
	assert.Equal(t, 2, strings.Count(svg, "<circle"))
	assert.Contains(t, svg, ">a</text>")
	assert.Empty(t, page.Dots("t", "y", []string{"a"}, map[string][]page.Series{"a": {{Group: "g"}}}))
}
