package main

import (
	"context"
	"fmt"
	"html/template"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/icl-msr/icl-msr/internal/page"
	"github.com/icl-msr/icl-msr/meta"
)

// axis is a flag and the values that a sweep gives it.
type axis struct {
	flag   string
	values []string
}

func parseAxis(s string) (axis, error) {
	name, values, ok := strings.Cut(s, "=")
	a := axis{strings.TrimLeft(name, "-"), strings.Split(values, ",")}
	if !ok || a.flag == "" || slices.Contains(a.values, "") {
		return a, usagef("--axis %s: want FLAG=VALUE,VALUE,...", s)
	}
	for i, v := range a.values {
		if slices.Contains(a.values[:i], v) {
			return a, usagef("--axis %s: %s twice", s, v)
		}
	}
	return a, nil
}

// points are the settings of a sweep: each a value of each axis.
func points(axes []axis, grid bool) ([][]string, error) {
	if !grid {
		n := len(axes[0].values)
		out := make([][]string, n)
		for _, a := range axes {
			if len(a.values) != n {
				return nil, usagef("--list wants as many values of --%s as of --%s: %d and %d", a.flag, axes[0].flag, len(a.values), n)
			}
			for i, v := range a.values {
				out[i] = append(out[i], v)
			}
		}
		return out, nil
	}
	out := [][]string{nil}
	for _, a := range axes {
		var next [][]string
		for _, p := range out {
			for _, v := range a.values {
				next = append(next, append(slices.Clone(p), v))
			}
		}
		out = next
	}
	return out, nil
}

// sweep trains a method with MSR over values of any flags, beside the method
// alone and the ablations (Figure 5 of the paper).
func sweep(ctx context.Context, p program, args []string) error {
	var texts []string
	var list, ablations, alone bool
	g := study{out: "runs/sweep", seeds: 3, probeEpochs: 200}
	extra := func(f *pflag.FlagSet) {
		f.StringArrayVar(&texts, "axis", nil, "FLAG=VALUE,VALUE,...: a flag of pretrain and its values; may be given several times")
		f.BoolVar(&list, "list", false, "the axes' first values together, then their second ones, ..., instead of every combination")
		f.BoolVar(&ablations, "ablations", false, "each ablation of MSR at the settings given, too")
		f.BoolVar(&alone, "baseline", true, "the method without MSR, which the differences are to")
		g.bind(f)
	}
	c, err := settle(p, "sweep", args, extra)
	if err != nil {
		return err
	}
	if len(texts) == 0 {
		return usagef("no --axis; as --axis lambda=0.01,0.1,1,10 (Figure 5: lambda, gamma, weights)")
	}
	var axes []axis
	for _, t := range texts {
		a, err := parseAxis(t)
		if err != nil {
			return err
		}
		axes = append(axes, a)
	}
	settings, err := points(axes, !list)
	if err != nil {
		return err
	}
	if alone {
		plain := c
		plain.MSR = false
		g.arms = append(g.arms, arm{Name: c.Method, config: plain})
	}
	for _, values := range settings {
		given := slices.Clone(args)
		var words []string
		for k, v := range values {
			given = append(given, "--"+axes[k].flag+"="+v)
			words = append(words, axes[k].flag+" "+v)
		}
		x, err := settle(p, "sweep", given, extra)
		if err != nil {
			return err
		}
		x.MSR = true
		g.arms = append(g.arms, arm{Name: strings.Join(words, ", "), config: x})
	}
	if ablations {
		for _, a := range []meta.Ablation{meta.Ones, meta.Frozen, meta.UniformityOnly, meta.NoUniformity} {
			x := c
			x.MSR, x.Ablation = true, string(a)
			g.arms = append(g.arms, arm{Name: "ablation " + x.Ablation, config: x})
		}
	}
	g.title = fmt.Sprintf("%s+MSR over %s", c.Method, strings.Join(texts, " and "))
	g.baseline = alone
	return g.do(ctx, p)
}

// study is a list of arms that are trained, evaluated and put into tables and
// on a page: differences are to the first one.
type study struct {
	title              string
	out                string
	seeds, probeEpochs int
	arms               []arm
	baseline           bool // the first arm is what the others are compared with
}

func (g *study) bind(f *pflag.FlagSet) {
	f.IntVar(&g.seeds, "seeds", g.seeds, "paired seeds of each; ten or more for any claim")
	f.StringVar(&g.out, "out", g.out, "folder of the runs, of table.md, table.csv and index.html")
	f.IntVar(&g.probeEpochs, "probe-epochs", g.probeEpochs, "epochs of the linear probe (500 in the paper)")
}

func (g *study) check() error {
	if g.seeds < 1 || g.probeEpochs < 1 {
		return usagef("--seeds %d --probe-epochs %d: want 1 or more", g.seeds, g.probeEpochs)
	}
	for i := range g.arms {
		if _, _, err := g.arms[i].config.model(0); err != nil { // a wrong name is told before hours of training
			return err
		}
	}
	return nil
}

// run trains and evaluates all arms, seed by seed, going on where it stopped.
func (g *study) run(ctx context.Context, p program) error {
	if err := g.check(); err != nil {
		return err
	}
	for seed := range g.seeds {
		for i := range g.arms {
			a := &g.arms[i]
			fmt.Fprintf(p.stderr, "--- seed %d of %d: %s\n", seed+1, g.seeds, a.Name)
			if err := a.add(ctx, p.stderr, g.out, a.config.Seed+uint64(seed), g.probeEpochs); err != nil {
				return err
			}
		}
	}
	return nil
}

func (g *study) do(ctx context.Context, p program) error {
	start := time.Now()
	if err := g.run(ctx, p); err != nil {
		return err
	}
	sec := page.Section{Title: "Accuracy", Text: "Top-1 in percent, mean ± standard deviation over seeds. " + chance(g.seeds)}
	for v, s := range g.arms[0].Runs[0].Scores {
		sec.Tables = append(sec.Tables, g.table(v, fmt.Sprintf("test pictures: %s", s.Variant)))
		sec.Charts = append(sec.Charts, g.chart(v, string(s.Variant)))
	}
	doc := page.Page{Title: g.title, Lead: []string{"Short runs of a small network say how training starts, not how it ends: see the settings below."},
		Sections: []page.Section{sec, curvesSection(g.arms)}, Settings: settings(g.arms[0].config, g.seeds, time.Since(start))}
	return writeReport(p, g.out, doc, sec.Tables)
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
	for i, a := range g.arms {
		cells := []string{a.Name}
		for _, of := range []func(score) float64{linearTop1, knn} {
			xs, difference := a.accuracies(variant, of), ""
			if g.baseline && i > 0 {
				difference = page.Pair(g.arms[0].accuracies(variant, of), xs).String()
			}
			cells = append(cells, fmt.Sprintf("%.1f ± %.1f", page.Mean(xs), page.Deviation(xs)), difference)
		}
		t.Rows = append(t.Rows, cells)
	}
	return t
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
