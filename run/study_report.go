package main

import (
	"context"
	"fmt"
	"html/template"
	"time"

	"github.com/icl-msr/icl-msr/datasets"
	"github.com/icl-msr/icl-msr/internal/page"
)

func (g *study) do(ctx context.Context, p program) error {
	start := time.Now()
	return g.run(ctx, p, func() error {
		sec := page.Section{Title: "Accuracy", Text: "Top-1 in percent, mean ± standard deviation over seeds. " + chance(g.seeds)}
		for v, shown := range variants(g.arms) {
			sec.Tables = append(sec.Tables, g.table(v, fmt.Sprintf("test pictures: %s", shown)))
			sec.Charts = append(sec.Charts, g.chart(v, string(shown)))
		}
		doc := page.Page{Title: g.title, Lead: []string{"Short runs of a small network say how training starts, not how it ends: see the settings below."},
			Sections: []page.Section{sec, curvesSection(g.arms)}, Settings: settings(g.arms[0].config, g.seeds, time.Since(start))}
		return writeReport(p, g.out, doc, sec.Tables)
	})
}

// variants are the test pictures that runs were scored on.
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
	return []datasets.Variant{datasets.Full} // all failed
}

// chance says how easily differences deceive.
func chance(seeds int) string {
	if seeds < 10 {
		return fmt.Sprintf("Differences are paired by seed, ± their standard error; with %d seeds many exceed twice of it by chance, and there are many here.", seeds)
	}
	return "Differences are paired by seed, ± their standard error; of so many a few exceed twice of it by chance."
}

func (g *study) table(variant int, caption string) page.Table {
	t := page.Table{Caption: caption, Head: []string{"", "linear", "difference", "5-NN", "difference"}}
	var reasons []string
	for i, a := range g.arms {
		cells := []string{a.Name}
		for _, of := range []func(score) float64{linearTop1, knn} {
			difference := ""
			if g.baseline && i > 0 {
				difference = paired(g.arms[0], a, variant, of).String()
			}
			cells = append(cells, a.cell(variant, of), difference)
		}
		t.Rows, reasons = append(t.Rows, cells), append(reasons, why(a))
	}
	return withReasons(t, reasons)
}

// chart is one column of dots for each arm.
func (g *study) chart(variant int, title string) template.HTML {
	var columns []string
	values := map[string][]page.Series{}
	for _, a := range g.arms {
		columns = append(columns, a.Name)
		values[a.Name] = []page.Series{{Group: "linear", Y: a.accuracies(variant, linearTop1)}, {Group: "5-NN", Colour: 1, Y: a.accuracies(variant, knn)}}
	}
	return page.Dots(title, "top-1 (%)", columns, values)
}

// settings tells how runs were made.
func settings(c config, seeds int, took time.Duration) [][2]string {
	return [][2]string{
		{"network", fmt.Sprintf("%s, width %g; head %d to %d", c.Arch, c.Width, c.Hidden, c.Dim)},
		{"data", c.Dataset},
		{"training", fmt.Sprintf("%d epochs of batch %d, %s, rate %g", c.Epochs, c.BatchSize, c.Optimizer, c.LR)},
		{"MSR", fmt.Sprintf("lambda %g, gamma %g, n %d, alpha %g, beta %g, %s, meta step on every %d-th batch (the paper: every)", c.Lambda, c.Gamma, c.Weights, c.msr().Alpha, c.Beta, c.Space, c.MetaEvery)},
		{"seeds", fmt.Sprint(seeds)},
		{"time of this call", seconds(took)},
	}
}
