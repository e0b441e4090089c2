package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/icl-msr/icl-msr/datasets"
	"github.com/icl-msr/icl-msr/internal/page"
	"github.com/icl-msr/icl-msr/methods"
)

// compare trains a grid of methods, with and without MSR, and writes the
// paper's Table 1 for what was run.
func compare(ctx context.Context, p program, args []string) error {
	return compareAs(ctx, p, "compare", args)
}

func compareAs(ctx context.Context, p program, command string, args []string) error {
	var names []string
	var msr string
	g := study{out: "runs/compare", seeds: 3, probeEpochs: 200}
	var set *pflag.FlagSet
	extra := func(f *pflag.FlagSet) {
		set = f
		f.StringSliceVar(&names, "methods", methods.Names(), "methods to compare")
		f.StringVar(&msr, "msr", "both", "the meta semantic regularizer: off, on or both")
		g.bind(f)
	}
	c, err := settle(p, command, args, extra)
	if err != nil {
		return err
	}
	if set.Changed("method") || c.Method != defaults().Method {
		return usagef("--method: compare takes several, --methods simclr,byol")
	}
	if len(names) == 0 {
		return usagef("--methods names none; known: %s", strings.Join(methods.Names(), ", "))
	}
	for i, name := range names {
		if slices.Contains(names[:i], name) {
			return usagef("--methods names %s twice", name)
		}
	}
	with, ok := map[string][]bool{"off": {false}, "on": {true}, "both": {false, true}}[msr]
	if !ok {
		return usagef("--msr %s: want off, on or both", msr)
	}
	for _, name := range names {
		// Each method has its own recipe under the flags.
		c, err := settle(p, command, append(slices.Clone(args), "--method", name), extra)
		if err != nil {
			return err
		}
		for _, c.MSR = range with {
			a := arm{Name: name, config: c}
			if c.MSR {
				a.Name += "+MSR"
			}
			g.arms = append(g.arms, a)
		}
	}
	start := time.Now()
	if err := g.run(ctx, p); err != nil {
		return err
	}
	return report(p, rows(g.arms), g.out, g.seeds, time.Since(start))
}

// row is a method of the grid; an arm may be absent.
type row struct {
	method     string
	plain, msr *arm
}

// rows puts the arms of a method, which lie together, into its row.
func rows(arms []arm) (out []row) {
	for i := range arms {
		a := &arms[i]
		if len(out) == 0 || out[len(out)-1].method != a.config.Method {
			out = append(out, row{method: a.config.Method})
		}
		if r := &out[len(out)-1]; a.config.MSR {
			r.msr = a
		} else {
			r.plain = a
		}
	}
	return out
}

// any is one of the row's arms.
func (r row) any() *arm {
	if r.plain != nil {
		return r.plain
	}
	return r.msr
}

// report writes the tables and the page.
func report(p program, grid []row, out string, seeds int, took time.Duration) error {
	first := grid[0].any()
	c, scores := first.config, first.Runs[0].Scores
	sec := page.Section{Title: "Accuracy",
		Text: "Top-1 in percent, mean ± standard deviation over seeds; the difference is MSR's. " + chance(seeds) + " The paper's figures, where they are given, are of ResNet-18 after 1000 epochs or more."}
	for v, s := range scores {
		var paper map[string]published
		if s.Variant == datasets.Full {
			paper = paperTable(c)
		}
		sec.Tables = append(sec.Tables, table(grid, v, fmt.Sprintf("test pictures: %s", s.Variant), measures(c), paper))
	}
	doc := page.Page{Title: "Methods with and without MSR",
		Lead:     []string{"A comparison of short runs says how methods start, not how they end: see the settings below."},
		Sections: []page.Section{sec}, Settings: settings(c, seeds, took)}
	return writeReport(p, out, doc, sec.Tables)
}

// measure is a figure of a method in a table.
type measure struct {
	name string
	of   func(score) float64
}

// measures are those of the paper's tables: top-5 for ImageNet, 5-NN otherwise.
func measures(c config) [2]measure {
	if c.Dataset == "imagenet" {
		return [2]measure{{"top-1", linearTop1}, {"top-5", func(s score) float64 { return s.Linear.Top5 }}}
	}
	return [2]measure{{"linear", linearTop1}, {"5-NN", knn}}
}

// table is the grid's for one variant of the test pictures, with the paper's
// figures where it has them.
func table(grid []row, variant int, caption string, by [2]measure, paper map[string]published) page.Table {
	t := page.Table{Caption: caption, Head: []string{"method"}}
	for _, m := range by {
		t.Head = append(t.Head, m.name, "with MSR", "difference")
	}
	if paper != nil {
		t.Head = append(t.Head, fmt.Sprintf("paper: %s, %s", by[0].name, by[1].name), "with MSR")
	}
	for _, r := range grid {
		cells := []string{r.method}
		for _, m := range by {
			var values [2][]float64
			for i, a := range []*arm{r.plain, r.msr} {
				cell := ""
				if a != nil {
					values[i] = a.accuracies(variant, m.of)
					cell = fmt.Sprintf("%.1f ± %.1f", page.Mean(values[i]), page.Deviation(values[i]))
				}
				cells = append(cells, cell)
			}
			difference := ""
			if r.plain != nil && r.msr != nil {
				difference = page.Pair(values[0], values[1]).String()
			}
			cells = append(cells, difference)
		}
		if paper != nil {
			cells = append(cells, paper[r.method].plain, paper[r.method].msr)
		}
		t.Rows = append(t.Rows, cells)
	}
	return t
}
