package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/icl-msr/icl-msr/eval"
	"github.com/icl-msr/icl-msr/internal/page"
	"github.com/icl-msr/icl-msr/internal/runfolder"
)

// paperCompare is compare with the methods and the preset of one of the paper's
// tables under the flags.
func paperCompare(number int, preset string, methods ...string) func(context.Context, program, []string) error {
	return func(ctx context.Context, p program, args []string) error {
		name := fmt.Sprintf("table%d", number)
		defaults := []string{"--methods", strings.Join(methods, ","), "--seeds", "1", "--out", "runs/" + name, "--probe-epochs", "500"}
		if !slices.ContainsFunc(args, func(a string) bool { return a == "--preset" || strings.HasPrefix(a, "--preset=") }) {
			defaults = append(defaults, "--preset", preset)
		}
		// A list given twice would be both: the flags' own methods stand for the table's.
		if slices.ContainsFunc(args, func(a string) bool { return a == "--methods" || strings.HasPrefix(a, "--methods=") }) {
			defaults = defaults[2:]
		}
		return compareAs(ctx, p, name, append(defaults, args...))
	}
}

// semi is the paper's Table 4: fine-tuning with 1% and 10% of the labels.
func semi(ctx context.Context, p program, args []string) error {
	var names []string
	g := study{out: "runs/semi", seeds: 1, probeEpochs: 500}
	o := fineTuneOptions{FineTuneConfig: eval.DefaultFineTune(), batch: 256}
	extra := func(f *pflag.FlagSet) {
		f.StringSliceVar(&names, "methods", []string{"simclr", "byol"}, "methods, each without and with MSR")
		f.Float64SliceVar(&o.shares, "labels", []float64{0.01, 0.1}, "shares of the labels, the same of each class")
		f.IntVar(&o.Epochs, "tune-epochs", o.Epochs, "passes over the labelled pictures")
		f.Float64Var(&o.LR, "tune-lr", o.LR, "first learning rate of fine-tuning, for batches of 256")
		g.bind(f)
	}
	// The table's n is 14, and its data ImageNet, unless the flags say otherwise.
	under := []string{"--weights", "14"}
	if !slices.ContainsFunc(args, func(a string) bool { return a == "--preset" || strings.HasPrefix(a, "--preset=") }) {
		under = append(under, "--preset", "imagenet")
	}
	args = append(under, args...)
	if _, err := settle(p, "semi", args, extra); err != nil {
		return err
	}
	if len(names) == 0 {
		return usagef("--methods names none")
	}
	if err := o.Validate(); err != nil {
		return usage{err}
	}
	for _, name := range names {
		for _, msr := range []bool{false, true} {
			c, err := settle(p, "semi", append(slices.Clone(args), "--method", name), extra)
			if err != nil {
				return err
			}
			c.MSR = msr
			a := arm{Name: name, config: c}
			if msr {
				a.Name += "+MSR"
			}
			g.arms = append(g.arms, a)
		}
	}
	start := time.Now()
	if err := g.run(ctx, p); err != nil {
		return err
	}
	t := page.Table{Caption: "fine-tuned, top-1 and top-5 in percent, mean ± standard deviation over seeds", Head: []string{""}}
	for _, share := range o.shares {
		t.Head = append(t.Head, fmt.Sprintf("%g%% top-1", 100*share), "top-5")
	}
	paper := tableFour()
	t.Head = append(t.Head, "paper: 1% top-1, top-5; 10% top-1, top-5")
	for _, a := range g.arms {
		top1, top5 := make([][]float64, len(o.shares)), make([][]float64, len(o.shares))
		for _, r := range a.Runs {
			k, err := load(runfolder.Last(r.folder))
			if err != nil {
				return err
			}
			o.Seed, o.splitSeed, o.threads = r.Seed, r.Seed, a.config.Threads
			out, err := fineTuneCheckpoint(ctx, p, k, o)
			if err != nil {
				return err
			}
			for i, f := range out {
				top1[i], top5[i] = append(top1[i], 100*f.Accuracy.Top1), append(top5[i], 100*f.Accuracy.Top5)
			}
		}
		row := []string{a.Name}
		for i := range o.shares {
			row = append(row, fmt.Sprintf("%.1f ± %.1f", page.Mean(top1[i]), page.Deviation(top1[i])), fmt.Sprintf("%.1f ± %.1f", page.Mean(top5[i]), page.Deviation(top5[i])))
		}
		t.Rows = append(t.Rows, append(row, paper[a.Name]))
	}
	doc := page.Page{Title: "Fine-tuning with a share of the labels", Lead: []string{"The paper's Table 4. Its figures are of ResNet-50 on ImageNet."},
		Sections: []page.Section{{Title: "Accuracy", Tables: []page.Table{t}}}, Settings: settings(g.arms[0].config, g.seeds, time.Since(start))}
	return writeReport(p, g.out, doc, []page.Table{t})
}
