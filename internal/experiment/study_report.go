package experiment

import (
	"fmt"
	"html/template"
	"time"

	"github.com/icl-msr/icl-msr/datasets"
	"github.com/icl-msr/icl-msr/internal/page"
)

// report writes the tables and the page.
func (g *Study) report(took time.Duration) error {
	sec := page.Section{Title: "Accuracy",
		Text: figures(g.Seeds) + " " + chance(g.Seeds) + contrastText([]string{g.arms[0].config.Method})}
	for v, shown := range variants(g.arms) {
		sec.Tables = append(sec.Tables, g.table(v, caption(fmt.Sprintf("test pictures: %s", shown), g.Seeds)))
		sec.Charts = append(sec.Charts, g.charts(v, string(shown))...)
	}
	doc := page.Page{Title: g.Title, Lead: []string{"Here: " + networkHere(g.arms) +
		". Short runs say how training starts, not how it ends: see the settings below."},
		Sections: []page.Section{sec, curvesSection(g.arms)}, Settings: settings(g.arms, g.Seeds, took)}
	return writeReport(g.Tables, g.Folder, doc, sec.Tables)
}

// variants lists the variants of the test pictures that the runs were scored on.
func variants(arms []arm) (out []datasets.Variant) {
	for _, a := range arms {
		if len(a.Runs) == 0 {
			continue
		}
		for _, s := range a.Runs[0].Scores {
			out = append(out, s.Variant)
		}
		return out
	}
	return []datasets.Variant{datasets.Full} // all runs failed
}

// table lists every arm's figures. The differences of the first measure are primary.
func (g *Study) table(variant int, caption string) page.Table {
	t := page.Table{Caption: caption, Head: []string{""}}
	by := measures()
	for _, m := range by {
		t.Head = append(t.Head, m.name, "difference")
	}
	var q primary
	var reasons []string
	for i, a := range g.arms {
		cells := []string{a.Name}
		for k, m := range by {
			cells = append(cells, a.cell(variant, m), "")
			if !g.Baseline || i == 0 {
				continue
			}
			d := paired(g.arms[0], a, variant, m)
			if cells[len(cells)-1] = d.String(); k == 0 {
				q.add(i, len(cells)-1, d)
			}
		}
		t.Rows, reasons = append(t.Rows, cells), append(reasons, why(a))
	}
	q.into(&t)
	return withReasons(t, reasons)
}

// charts draws a column of dots for each arm.
func (g *Study) charts(variant int, title string) (out []template.HTML) {
	for _, by := range byAxis(measures()) {
		var columns []string
		values := map[string][]page.Series{}
		for _, a := range g.arms {
			columns = append(columns, a.Name)
			for k, m := range by.measures {
				values[a.Name] = append(values[a.Name], page.Series{Group: m.name, Colour: k, Y: a.values(variant, m)})
			}
		}
		out = append(out, page.Dots(title, by.axis, columns, values))
	}
	return out
}
