package main

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/icl-msr/icl-msr/internal/atomicfile"
	"github.com/icl-msr/icl-msr/meta"
)

func demo(ctx context.Context, p program, args []string) error {
	f := flags(p, "demo", "[flags]")
	out := f.String("out", "runs/demo", "folder of the page and of the runs")
	seeds := f.Int("seeds", 3, "paired seeds of each arm")
	epochs := f.Int("epochs", 6, "epochs of each run")
	count := f.Int("count", 3200, "training pictures")
	correlation := f.Float64("correlation", 0.3, "share of pictures whose background is their class's")
	every := f.Int("meta-every", 4, "meta step on every K-th batch; 1 is the paper")
	ablations := f.StringSlice("ablations", []string{string(meta.Ones)}, "also compare these --msr-ablation settings")
	threads := f.Int("threads", 0, "threads of an operation (0: all cores)")
	if err := parse(f, args); err != nil {
		return err
	}
	if *seeds < 1 || *epochs < 1 {
		return usagef("--seeds %d --epochs %d: want 1 or more", *seeds, *epochs)
	}
	c := defaults()
	for _, q := range presets() {
		if q.name == "cpu" {
			q.apply(&c)
		}
	}
	c.Epochs, c.Count, c.Correlation, c.MetaEvery, c.Threads, c.Warmup = *epochs, *count, *correlation, *every, *threads, 25
	arms, err := demoArms(c, *ablations)
	if err != nil {
		return err
	}
	g := study{out: *out, seeds: *seeds, probeEpochs: 200, arms: arms}
	start := time.Now()
	return g.run(ctx, p, func() error { return g.demo(ctx, p, time.Since(start)) })
}

// demo writes the page, and prints its tables.
func (g *study) demo(ctx context.Context, p program, took time.Duration) error {
	if err := writeJSON(filepath.Join(g.out, "demo.json"), g.arms); err != nil {
		return err
	}
	doc, err := demoPage(ctx, g.arms, g.seeds, took)
	if err != nil {
		return err
	}
	path := filepath.Join(g.out, "index.html")
	if err := atomicfile.Write(path, doc.Write); err != nil {
		return err
	}
	for _, t := range doc.Sections[0].Tables {
		fmt.Fprintf(p.stdout, "\n%s\n", t.Caption)
		w := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
		for _, row := range append([][]string{t.Head}, t.Rows...) {
			fmt.Fprintf(w, "  %s\n", strings.Join(row, "\t"))
		}
		if err := w.Flush(); err != nil {
			return err
		}
	}
	fmt.Fprintf(p.stdout, "\n%s in %s: %s\n", "done", seconds(took), path)
	return nil
}

// demoArms are SimCLR, SimCLR+MSR, and the ablations asked for.
func demoArms(c config, ablations []string) ([]arm, error) {
	arms := []arm{{Name: "SimCLR", config: c}}
	c.MSR = true
	arms = append(arms, arm{Name: "SimCLR+MSR", config: c})
	cs, err := ablated(c, ablations)
	for _, d := range cs {
		arms = append(arms, arm{Name: "MSR, " + d.Ablation, config: d})
	}
	return arms, err
}
