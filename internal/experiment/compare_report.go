package experiment

import (
	"cmp"
	"fmt"
	"time"

	"github.com/icl-msr/icl-msr/datasets"
	"github.com/icl-msr/icl-msr/internal/page"
	"github.com/icl-msr/icl-msr/meta"
)

// row is a method of the grid. An arm that is not run is nil.
type row struct {
	method     string
	plain, msr *arm
	ablated    []arm
}

// arms returns the row's two arms. An arm that is nil becomes one without runs.
func (r row) arms() (plain, msr arm) {
	if r.plain != nil {
		plain = *r.plain
	}
	if r.msr != nil {
		msr = *r.msr
	}
	return plain, msr
}

// gridOf puts the arms of each method into its row. The arms of a method must be adjacent.
func gridOf(arms []arm) (out []row) {
	for i := range arms {
		a := &arms[i]
		name := cmp.Or(a.row, a.config.Method)
		if len(out) == 0 || out[len(out)-1].method != name {
			out = append(out, row{method: name})
		}
		r := &out[len(out)-1]
		switch {
		case !a.config.UseMSR:
			r.plain = a
		case a.config.MSR.Ablation != meta.NoAblation && r.msr != nil:
			r.ablated = append(r.ablated, *a)
		default:
			r.msr = a
		}
	}
	return out
}

// report writes the tables and the page.
func (k *Comparison) report(took time.Duration) error {
	c, grid := k.arms[0].config, gridOf(k.arms)
	paper := paperTable(c)
	sec := page.Section{Title: "Accuracy",
		Text: figures(k.Seeds) + " The difference is MSR's. " + chance(k.Seeds) + k.contrastText()}
	if paper.rows != nil {
		sec.Text += fmt.Sprintf(" The paper's figures are of %s.", paper.network)
	}
	by := measuresFor(c)
	for v, shown := range variants(k.arms) {
		var published map[string]published
		if shown == datasets.Full {
			published = paper.rows
		}
		what := fmt.Sprintf("test pictures: %s", shown)
		sec.Tables = append(sec.Tables, table(grid, v, caption(what, k.Seeds), by, published))
		if len(grid[0].ablated) > 0 {
			sec.Tables = append(sec.Tables, ablationTable(grid, v, k.Seeds, what, by))
		}
	}
	doc := page.Page{Title: k.Title,
		Lead: []string{"Here: " + networkHere(k.arms) +
			". A comparison of short runs says how methods start, not how they end: see the settings below."},
		Sections: []page.Section{sec}, Settings: settings(k.arms, k.Seeds, took)}
	return writeReport(k.Tables, k.Folder, doc, sec.Tables)
}

// networkHere describes the networks of the page's own figures.
func networkHere(arms []arm) string {
	c := arms[0].config
	text := c.Arch
	if c.Width != 1 {
		text += fmt.Sprintf(" of width %g", c.Width)
	}
	for _, a := range arms {
		if a.config.Schedule.Epochs != c.Schedule.Epochs {
			return fmt.Sprintf("%s on %s, for each method's own epochs", text, c.Data.Name)
		}
	}
	return fmt.Sprintf("%s on %s, %s", text, c.Data.Name, counted(c.Schedule.Epochs, "epoch"))
}

// table is the grid's table for one variant of the test pictures, beside the paper's figures if it has any. The
// differences of the first measure are primary.
func table(grid []row, variant int, caption string, by []measure, paper map[string]published) page.Table {
	t := page.Table{Caption: caption, Head: []string{"method"}}
	for _, m := range by {
		t.Head = append(t.Head, m.name, "with MSR", "difference")
	}
	if paper != nil {
		t.Head = append(t.Head, fmt.Sprintf("paper: %s, %s", by[0].name, by[1].name), "with MSR")
	}
	var q primary
	var reasons []string
	for _, r := range grid {
		plain, msr := r.arms()
		cells := []string{r.method}
		for k, m := range by {
			cells = append(cells, plain.cell(variant, m), msr.cell(variant, m), "")
			if r.plain == nil || r.msr == nil {
				continue
			}
			d := paired(plain, msr, variant, m)
			if cells[len(cells)-1] = d.String(); k == 0 {
				q.add(len(t.Rows), len(cells)-1, d)
			}
		}
		if paper != nil {
			cells = append(cells, paper[r.method].plain, paper[r.method].msr)
		}
		t.Rows, reasons = append(t.Rows, cells), append(reasons, why(plain, msr))
	}
	q.into(&t)
	return withReasons(t, reasons)
}
