package page

import (
	"encoding/csv"
	"fmt"
	"strings"
)

// Markdown is the table in GitHub's Markdown, with its caption above.
func (t Table) Markdown() string {
	var b strings.Builder
	if t.Caption != "" {
		fmt.Fprintf(&b, "%s\n\n", t.Caption)
	}
	line := func(cells []string) {
		for _, c := range cells {
			fmt.Fprintf(&b, "| %s ", strings.NewReplacer("|", "\\|", "\n", " ").Replace(c))
		}
		b.WriteString("|\n")
	}
	line(t.Head)
	b.WriteString(strings.Repeat("|---", len(t.Head)) + "|\n")
	for _, r := range t.Rows {
		line(r)
	}
	return b.String()
}

// CSV is the table as comma-separated values, with its caption in the first column.
func (t Table) CSV() string {
	var b strings.Builder
	w := csv.NewWriter(&b)
	// Writing to a strings.Builder cannot fail.
	_ = w.Write(append([]string{"table"}, t.Head...))
	for _, r := range t.Rows {
		_ = w.Write(append([]string{t.Caption}, r...))
	}
	w.Flush()
	return b.String()
}
