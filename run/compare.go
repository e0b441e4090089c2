package main

import (
	"context"
	"fmt"
	"math"
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
	return g.run(ctx, p, func() error { return report(p, g.arms, g.out, g.seeds, time.Since(start)) })
}

// row is a method of the grid; an arm may be absent.
type row struct {
	method     string
	plain, msr *arm
}

// arms are the row's two; one that is absent has no runs.
func (r row) arms() (plain, msr arm) {
	if r.plain != nil {
		plain = *r.plain
	}
	if r.msr != nil {
		msr = *r.msr
	}
	return plain, msr
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

// report writes the tables and the page.
func report(p program, arms []arm, out string, seeds int, took time.Duration) error {
	c, grid := arms[0].config, rows(arms)
	sec := page.Section{Title: "Accuracy",
		Text: "Top-1 in percent, mean ± standard deviation over seeds; the difference is MSR's. " + chance(seeds) + " The paper's figures, where they are given, are of ResNet-18 after 1000 epochs or more."}
	by := measures(c)
	if by[1].name == topFiveName && !hasTopFive(classCount(c)) {
		by[1].of = func(score) float64 { return math.NaN() }
	}
	for v, shown := range variants(arms) {
		var paper map[string]published
		if shown == datasets.Full {
			paper = paperTable(c)
		}
		sec.Tables = append(sec.Tables, table(grid, v, fmt.Sprintf("test pictures: %s", shown), by, paper))
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

const topFiveName = "top-5"

// measures are those of the paper's tables: top-5 for ImageNet, 5-NN otherwise.
func measures(c config) [2]measure {
	if c.Dataset == "imagenet" {
		return [2]measure{{"top-1", linearTop1}, {topFiveName, func(s score) float64 { return s.Linear.Top5 }}}
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
	var reasons []string
	for _, r := range grid {
		plain, msr := r.arms()
		cells := []string{r.method}
		for _, m := range by {
			difference := ""
			if r.plain != nil && r.msr != nil {
				difference = paired(plain, msr, variant, m.of).String()
			}
			cells = append(cells, plain.cell(variant, m.of), msr.cell(variant, m.of), difference)
		}
		if paper != nil {
			cells = append(cells, paper[r.method].plain, paper[r.method].msr)
		}
		t.Rows, reasons = append(t.Rows, cells), append(reasons, why(plain, msr))
	}
	return withReasons(t, reasons)
}
