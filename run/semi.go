package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/icl-msr/icl-msr/eval"
	"github.com/icl-msr/icl-msr/internal/atomicfile"
	"github.com/icl-msr/icl-msr/internal/page"
	"github.com/icl-msr/icl-msr/internal/runfolder"
)

// semi is the paper's Table 4: fine-tuning with 1% and 10% of the labels, and
// training with them alone, the supervised baseline.
func semi(ctx context.Context, p program, args []string) error {
	var names []string
	supervised := true
	g := study{out: "runs/semi", seeds: 1, probeEpochs: 500}
	o := fineTuneOptions{FineTuneConfig: eval.DefaultFineTune(), batch: 256}
	extra := func(f *pflag.FlagSet) {
		f.StringSliceVar(&names, "methods", []string{"simclr", "byol"}, "methods, each without and with MSR")
		f.BoolVar(&supervised, "supervised", true, "training from scratch with the same labels beside, on the first method's networks")
		f.Float64SliceVar(&o.shares, "labels", []float64{0.01, 0.1}, "shares of the labels, the same of each class, drawn by the seed")
		f.StringSliceVar(&o.lists, "label-list", nil, "files that name the labelled pictures, instead of --labels (SimCLR's 1percent.txt, 10percent.txt)")
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
	if err := o.check(); err != nil {
		return err
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
	t, err := g.fineTuned(ctx, p, o, supervised)
	if err != nil {
		return err
	}
	doc := page.Page{Title: "Fine-tuning with a share of the labels", Lead: []string{"The paper's Table 4. Its figures are of ResNet-50 on ImageNet."},
		Sections: []page.Section{{Title: "Accuracy", Tables: []page.Table{t}}}, Settings: settings(g.arms[0].config, g.seeds, time.Since(start))}
	return writeReport(p, g.out, doc, []page.Table{t})
}

// fineTuned fine-tunes every run of every arm: a row for each arm, and one from
// scratch.
func (g *study) fineTuned(ctx context.Context, p program, o fineTuneOptions, supervised bool) (page.Table, error) {
	t := page.Table{Caption: "fine-tuned, top-1 and top-5 in percent, mean ± standard deviation over seeds", Head: []string{""}}
	for _, name := range o.names() {
		t.Head = append(t.Head, name+" top-1", "top-5")
	}
	paper := tableFour()
	t.Head = append(t.Head, "paper: 1% top-1, top-5; 10% top-1, top-5")
	row := func(name string, a arm, o fineTuneOptions) error {
		cells := []string{name}
		top1, top5 := make([][]float64, len(o.names())), make([][]float64, len(o.names()))
		for _, r := range a.Runs {
			o.Seed, o.splitSeed, o.threads = r.Seed, r.Seed, a.config.Threads
			out, err := r.fineTuned(ctx, p, o)
			if err != nil {
				return err
			}
			for i, f := range out {
				top1[i], top5[i] = append(top1[i], 100*f.Accuracy.Top1), append(top5[i], 100*f.Accuracy.Top5)
			}
		}
		for i := range top1 {
			cells = append(cells, fmt.Sprintf("%.1f ± %.1f", page.Mean(top1[i]), page.Deviation(top1[i])), fmt.Sprintf("%.1f ± %.1f", page.Mean(top5[i]), page.Deviation(top5[i])))
		}
		t.Rows = append(t.Rows, append(cells, paper[name]))
		return nil
	}
	if supervised {
		o := o
		o.scratch = true
		if err := row("supervised, from scratch", g.arms[0], o); err != nil {
			return t, err
		}
	}
	for _, a := range g.arms {
		if err := row(a.Name, a, o); err != nil {
			return t, err
		}
	}
	return t, nil
}

// fineTunedFile is what a run's folder keeps of fine-tuning: what was asked for,
// and what came of it.
type fineTunedFile struct {
	Config    eval.FineTuneConfig `json:"config"`
	Names     []string            `json:"names"`
	SplitSeed uint64              `json:"split_seed"`
	Batch     int                 `json:"batch"`
	Results   []fineTuned         `json:"results"`
}

// fineTuned fine-tunes a run, or takes up what an earlier program left of the
// same.
func (r *armRun) fineTuned(ctx context.Context, p program, o fineTuneOptions) ([]fineTuned, error) {
	path := filepath.Join(r.folder, "finetuned.json")
	if o.scratch {
		path = filepath.Join(r.folder, "supervised.json")
	}
	asked, before := fineTunedFile{Config: o.FineTuneConfig, Names: o.names(), SplitSeed: o.splitSeed, Batch: o.batch}, fineTunedFile{}
	if data, err := os.ReadFile(path); err == nil && json.Unmarshal(data, &before) == nil {
		if asked.Results = before.Results; len(before.Results) == len(before.Names) && reflect.DeepEqual(asked, before) {
			fmt.Fprintf(p.stderr, "done before: %s\n", path)
			return before.Results, nil
		}
	}
	k, err := load(runfolder.Last(r.folder))
	if err != nil {
		return nil, err
	}
	if asked.Results, err = fineTuneCheckpoint(ctx, p, k, o); err != nil {
		return nil, err
	}
	return asked.Results, atomicfile.Write(path, func(w io.Writer) error {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(asked)
	})
}
