package experiment

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"strings"
	"time"

	"github.com/icl-msr/icl-msr/internal/page"
	"github.com/icl-msr/icl-msr/torch"
)

// demoPage builds the page of the arms.
func demoPage(ctx context.Context, arms []arm, n int, took time.Duration) (page.Page, error) {
	c := arms[0].config
	doc := page.Page{
		Title: "SimCLR against SimCLR+MSR on drawn pictures",
		Lead: []string{
			fmt.Sprintf("Objects of ten classes lie over drawn backgrounds; of the training pictures %.0f%% have their "+
				"class's own background, so that the background predicts the class. "+
				"A linear probe and nearest neighbours are fitted on full training pictures and tested on full pictures, on the "+
				"foreground alone, and with a new background that tells nothing.", 100*c.Data.Correlation),
			fmt.Sprintf("Every arm makes the same number of encoder updates, on the same data in the same order, with %s. "+
				"This is a small network trained for minutes: it shows that the program works and what the gap is, "+
				"not what the method is worth.", seedsText(n)),
		},
	}
	doc.Sections = append(doc.Sections, accuracySection(arms, n), curvesSection(arms))
	pictures, err := pictureSection(ctx, arms)
	if err != nil {
		return doc, err
	}
	doc.Sections = append(doc.Sections, pictures)
	doc.Settings = append(settings(arms, n, took),
		[2]string{"pictures", fmt.Sprintf("%d, correlation %g", c.Data.Count, c.Data.Correlation)},
		[2]string{"machine", fmt.Sprintf("%s/%s, %d cores, LibTorch %s, %s", runtime.GOOS, runtime.GOARCH, runtime.NumCPU(),
			torch.Version(), runtime.Version())})
	return doc, nil
}

func accuracySection(arms []arm, seeds int) page.Section {
	s := page.Section{Title: "Accuracy"}
	var columns, verdicts []string
	for _, shown := range variants(arms) {
		columns = append(columns, string(shown))
	}
	for _, by := range measures() {
		name := capital(by.title)
		table := page.Table{Caption: caption(name+": "+by.unit(), seeds), Head: append([]string{""}, columns...)}
		pairs := page.Table{Caption: caption(name+": paired difference to "+arms[0].Name, seeds),
			Head: append([]string{""}, columns...)}
		dots := map[string][]page.Series{}
		var q primary
		var found, reasons, reasonsOfPairs []string
		for i, a := range arms {
			row, diff := []string{a.Name}, []string{a.Name}
			for v, column := range columns {
				row = append(row, a.cell(v, by))
				d := paired(arms[0], a, v, by)
				if diff = append(diff, d.String()); i > 0 {
					q.add(len(pairs.Rows), len(diff)-1, d)
				}
				if i == 1 {
					found = append(found, fmt.Sprintf("%s %s (%s)", column, d, d.Verdict()))
				}
				dots[column] = append(dots[column],
					page.Series{Group: a.Name, Colour: i % page.Colours, Y: a.values(v, by)})
			}
			table.Rows, reasons = append(table.Rows, row), append(reasons, why(a))
			if i > 0 {
				pairs.Rows, reasonsOfPairs = append(pairs.Rows, diff), append(reasonsOfPairs, why(arms[0], a))
			}
		}
		verdicts = append(verdicts, fmt.Sprintf("%s, %s against %s: %s.", name, arms[1].Name, arms[0].Name,
			strings.Join(found, "; ")))
		q.into(&pairs)
		s.Tables = append(s.Tables, withReasons(table, reasons), withReasons(pairs, reasonsOfPairs))
		s.Charts = append(s.Charts, page.Dots(name, by.axis, columns, dots))
	}
	s.Text = figures(seeds) + " " + chance(seeds) + " " + strings.Join(verdicts, " ")
	return s
}

func curvesSection(arms []arm) page.Section {
	s := page.Section{Title: "Training",
		Text: "A line for each seed. The two norms are of the gradients that train f_msr: of L_ct at the fast weights, " +
			"and of the uniformity loss times gamma."}
	for _, chart := range []struct {
		title string
		log   bool
		of    []string // scalars; a point is their sum
	}{
		{"L_ct, the contrastive loss", false, []string{"l_ct"}},
		{"L_msr, the do-loss", false, []string{"l_msr"}},
		{"L_uni, uniformity of the weights", false, []string{"l_uni"}},
		{"norm of L_ct(theta1)'s gradient on f_msr", true, []string{"grad_norm_l_ct_fast"}},
		{"norm of gamma L_uni's gradient on f_msr", true, []string{"grad_norm_l_uni"}},
		{"seconds of an epoch", false, []string{"seconds_regular", "seconds_meta"}},
	} {
		var series []page.Series
		for i, a := range arms {
			for _, r := range a.Runs {
				line := page.Series{Group: a.Name, Colour: i % page.Colours}
				any := false
				for _, e := range r.Metrics {
					y := 0.0
					for _, name := range chart.of {
						y += e.Value(name)
					}
					if y == 0 {
						y = math.NaN() // this arm does not have it
					} else {
						any = true
					}
					line.Y = append(line.Y, y)
				}
				if any {
					series = append(series, line)
				}
			}
		}
		if len(series) > 0 {
			s.Charts = append(s.Charts, page.Lines(chart.title, "", series, chart.log))
		}
	}
	return s
}
