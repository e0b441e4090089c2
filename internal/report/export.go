package report

import (
	"bufio"
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// CSV writes every score, a row each: method, probe, setting, seed, percent.
func (a Accuracy) CSV(w io.Writer) error {
	out := csv.NewWriter(w)
	rows := [][]string{{"method", "probe", "setting", "seed", "percent"}}
	for _, s := range a {
		rows = append(rows, []string{s.Method, s.Probe, s.Setting, strconv.FormatUint(s.Seed, 10), strconv.FormatFloat(s.Percent, 'g', -1, 64)})
	}
	return out.WriteAll(rows)
}

// Markdown writes a table for each probe (mean ± standard deviation over the
// seeds) and the paired differences to the first method (± standard error).
func (a Accuracy) Markdown(w io.Writer) error {
	b := bufio.NewWriter(w)
	settings := a.Settings()
	for _, probe := range a.Probes() {
		row(b, append([]string{probe + ", %"}, settings...))
		rule(b, 1, len(settings))
		for _, m := range a.Methods() {
			cells := []string{m}
			for _, s := range settings {
				cells = append(cells, a.Cell(m, probe, s))
			}
			row(b, cells)
		}
		b.WriteByte('\n')
	}
	list := a.Comparisons()
	if len(list) == 0 {
		return b.Flush()
	}
	row(b, []string{"paired difference to " + list[0].Baseline, "probe", "setting", "points ± s.e.", "seeds", "reading"})
	rule(b, 3, 2)
	for _, c := range list {
		row(b, []string{c.Method, c.Probe, c.Setting, c.Difference(), strconv.Itoa(c.N()), c.Reading()})
	}
	if text := Caution(list); text != "" {
		fmt.Fprintf(b, "\n%s\n", text)
	}
	return b.Flush() // carries the first error of all the writes
}

func row(b *bufio.Writer, cells []string) {
	escape := strings.NewReplacer("|", `\|`, "\n", " ")
	for _, c := range cells {
		b.WriteString("| " + escape.Replace(c) + " ")
	}
	b.WriteString("|\n")
}

// rule writes the line under a table's head: left-aligned columns, then
// right-aligned ones; the reading of a difference, if any, is left-aligned.
func rule(b *bufio.Writer, left, right int) {
	b.WriteString(strings.Repeat("|---", left) + strings.Repeat("|---:", right))
	if left > 1 {
		b.WriteString("|---")
	}
	b.WriteString("|\n")
}
