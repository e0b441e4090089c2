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
	// The 0.975 quantile of t(2) is 4.302653, so the interval is 2 ± 2.484. With three seeds it contains 0.
	lo, hi := p.Interval()
	assert.InDelta(t, 2-4.302652729911275/math.Sqrt(3), lo, 1e-9)
	assert.InDelta(t, 2+4.302652729911275/math.Sqrt(3), hi, 1e-9)
	assert.Equal(t, "+2.00 [-0.48, +4.48]", p.String())
	assert.Contains(t, p.Verdict(), "cannot be told from chance with 3 seeds")
	assert.Contains(t, page.Paired{3, 2, 0.2}.Verdict(), "3 seeds are too few")
	assert.Contains(t, page.Paired{3, 2, 0}.Verdict(), "cannot be told from chance", "equal differences tell no spread")
	assert.Contains(t, page.Pair([]float64{1, 2}, []float64{2, 1}).Verdict(), "cannot be told from chance with 2 seeds")
	assert.Contains(t, page.Pair([]float64{1}, []float64{2}).Verdict(), "one seed")
	assert.Equal(t, "+1.00", page.Pair([]float64{1}, []float64{2}).String(), "one seed has no spread")
	assert.Equal(t, "+0.00 [-0.23, +0.23]", page.Paired{10, -0.001, 0.1}.String())
	// 10.05-10.1 and 9.85-9.9 differ only in their last bits.
	equal := page.Pair([]float64{10.1, 9.9}, []float64{10.05, 9.85})
	assert.Equal(t, "-0.05 with every seed", equal.String(), "no certainty from rounding")
	assert.True(t, math.IsNaN(equal.P()))
	assert.Equal(t, "+0.00 with every seed", page.Pair([]float64{1, 2}, []float64{1, 2}).String())
	assert.Equal(t, "-", page.Pair(nil, []float64{1}).String())
	assert.Equal(t, "-", page.Pair([]float64{math.NaN()}, []float64{1}).String())
	assert.Contains(t, page.Pair(nil, nil).Verdict(), "no seed of both")
	assert.Equal(t, "worse: its 95 % interval leaves 0 out", page.Paired{10, -3, 1}.Verdict())
}

// The quantiles are those of a table of Student's t (0.975).
func TestIntervalsAreByStudentsT(t *testing.T) {
	for n, quantile := range map[int]float64{2: 12.7062, 3: 4.30265, 4: 3.18245, 5: 2.77645, 10: 2.26216, 31: 2.04227} {
		assert.InDelta(t, quantile*0.5, page.HalfWidth(n, 0.5), 1e-4, n)
	}
	assert.True(t, math.IsNaN(page.HalfWidth(1, 1)))
	lo, hi := page.Interval([]float64{1, 2, 3, 4}) // mean 2.5, deviation 1.2910, standard error 0.6455
	assert.InDelta(t, 2.5-3.18245*0.645497, lo, 1e-4)
	assert.InDelta(t, 2.5+3.18245*0.645497, hi, 1e-4)
	assert.True(t, math.IsNaN(page.Deviation([]float64{3})), "one number has no spread")
	// For t = 4.302653 with two degrees of freedom p is 5 %, whatever the sign.
	assert.InDelta(t, 0.05, page.Paired{3, 4.30265273, 1}.P(), 1e-8)
	assert.InDelta(t, 0.05, page.Paired{3, -4.30265273, 1}.P(), 1e-8)
	assert.InDelta(t, 1, page.Paired{3, 0, 1}.P(), 1e-12)
	assert.Equal(t, 1.0, page.Paired{3, 0, 0}.P(), "no seed differs")
	for _, p := range []page.Paired{{1, 1, math.NaN()}, {3, 1, 0}, {0, math.NaN(), math.NaN()}} {
		assert.True(t, math.IsNaN(p.P()), "%v", p)
	}
}

// In R, p.adjust(c(0.01, 0.04, 0.03, 0.005), "holm") is 0.03, 0.06, 0.06, 0.02.
func TestHolm(t *testing.T) {
	assert.InDeltaSlice(t, []float64{0.03, 0.06, 0.06, 0.02}, page.Holm([]float64{0.01, 0.04, 0.03, 0.005}), 1e-12)
	assert.InDeltaSlice(t, []float64{1, 1}, page.Holm([]float64{0.9, 0.6}), 1e-12)
	got := page.Holm([]float64{math.NaN(), 0.01, 0.04})
	assert.True(t, math.IsNaN(got[0]))
	assert.InDeltaSlice(t, []float64{0.02, 0.04}, got[1:], 1e-12, "what was not tested is no test")
	assert.Empty(t, page.Holm(nil))
	texts, tests := page.Adjusted([]page.Paired{{3, 4.30265273, 1}, {1, 2, math.NaN()}, {3, 4.30265273, 1}, {10, 9, 0.1}})
	assert.Equal(t, 3, tests)
	assert.Equal(t, []string{"+4.30 [+0.00, +8.61], p 0.100", "+2.00", "+4.30 [+0.00, +8.61], p 0.100",
		"+9.00 [+8.77, +9.23], p < 0.001"}, texts)
}

// The page shows an interval below its mean, so that tables are narrower.
func TestIntervalsAreALineOfTheirOwn(t *testing.T) {
	var b strings.Builder
	doc := page.Page{Sections: []page.Section{{Tables: []page.Table{{Head: []string{"a"}, Rows: [][]string{
		{"9.0 ± 1.1 [6.4, 11.7] (2 of 3 seeds)"}, {"-0.08 [-0.27, +0.11], p 0.399"}, {"n 2"}, {"open x [1]: failed"}}}}}}}
	assert.NoError(t, doc.Write(&b))
	for _, cell := range []string{`<td>9.0 ± 1.1<br><small>[6.4, 11.7] (2 of 3 seeds)</small></td>`,
		`<td>-0.08<br><small>[-0.27, &#43;0.11], p 0.399</small></td>`, `<td>n 2</td>`, `<td>open x [1]: failed</td>`} {
		assert.Contains(t, b.String(), cell)
	}
}

func TestTablesAsText(t *testing.T) {
	table := page.Table{Caption: "all", Head: []string{"a", "b"}, Rows: [][]string{{"x|y", "1, 2"}}}
	assert.Equal(t, "all\n\n| a | b |\n|---|---|\n| x\\|y | 1, 2 |\n", table.Markdown())
	assert.Equal(t, "table,a,b\nall,x|y,\"1, 2\"\n", table.CSV())
}

// A failed arm has no dots, and the other arms keep theirs.
func TestChartsLeaveOutWhatThereIsNot(t *testing.T) {
	svg := string(page.Dots("t", "y", []string{"a", "b"}, map[string][]page.Series{"a": {{Group: "g"}},
		"b": {{Group: "g", Y: []float64{1, math.NaN(), 3}}}}))
	assert.NotContains(t, svg, "NaN")
	assert.Equal(t, 2, strings.Count(svg, "<circle"))
	assert.Contains(t, svg, ">a</text>")
	assert.Empty(t, page.Dots("t", "y", []string{"a"}, map[string][]page.Series{"a": {{Group: "g"}}}))
}
