package experiment

import (
	"fmt"
	"math"
	"strings"

	"github.com/icl-msr/icl-msr/internal/page"
)

// failure is a run that ended with an error.
type failure struct {
	Seed   uint64 `json:"seed"`
	Reason string `json:"reason"`
}

// cell is the mean of an arm over the seeds that did not fail.
func (a arm) cell(variant int, m measure) string {
	return spread(a.values(variant, m), len(a.Failed))
}

// spread formats the mean of the values. For several values it adds their standard deviation and the mean's 95 %
// interval. missing is the number of seeds without a value.
func spread(xs []float64, missing int) string {
	switch {
	case len(xs) == 0 && missing > 0:
		return "failed"
	case len(xs) == 0:
		return ""
	case math.IsNaN(page.Mean(xs)):
		return "-"
	}
	text := fmt.Sprintf("%.1f", page.Mean(xs))
	if len(xs) > 1 {
		lo, hi := page.Interval(xs)
		text += fmt.Sprintf(" ± %.1f [%.1f, %.1f]", page.Deviation(xs), lo, hi)
	}
	if missing > 0 {
		text += fmt.Sprintf(" (%d of %d seeds)", len(xs), len(xs)+missing)
	}
	return text
}

// paired compares b with a over the seeds that both have.
func paired(a, b arm, variant int, m measure) page.Paired {
	var xs, ys []float64
	for _, x := range a.Runs {
		for _, y := range b.Runs {
			if x.Seed == y.Seed {
				xs, ys = append(xs, m.of(x.Scores[variant])), append(ys, m.of(y.Scores[variant]))
			}
		}
	}
	return page.Pair(xs, ys)
}

// primary collects the differences that a table was made for, and their cells. Their p-values are corrected over all of
// them.
type primary struct {
	at [][2]int // row and column
	of []page.Paired
}

func (q *primary) add(row, column int, d page.Paired) {
	q.at, q.of = append(q.at, [2]int{row, column}), append(q.of, d)
}

// into writes the differences with their p-values into the table, and names the correction in the caption.
func (q *primary) into(t *page.Table) {
	texts, tests := page.Adjusted(q.of)
	for i, at := range q.at {
		t.Rows[at[0]][at[1]] = texts[i]
	}
	if tests > 0 {
		t.Caption += fmt.Sprintf("; p by the paired t test, Holm's correction over %s", counted(tests, "difference"))
	}
}

// why gives the reason of each failed seed; "" if none failed.
func why(arms ...arm) string {
	var out []string
	for _, a := range arms {
		for _, f := range a.Failed {
			out = append(out, fmt.Sprintf("%s, seed %d: %s", a.Name, f.Seed, f.Reason))
		}
	}
	return strings.Join(out, "; ")
}

// withReasons adds a column with the reasons if any row has one.
func withReasons(t page.Table, reasons []string) page.Table {
	if strings.Join(reasons, "") == "" {
		return t
	}
	t.Head = append(t.Head, "failed")
	for i, reason := range reasons {
		t.Rows[i] = append(t.Rows[i], reason)
	}
	return t
}
