package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
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
	return g.run(ctx, p, func() error {
		t, err := g.fineTuned(ctx, p, o, supervised)
		if err != nil {
			return err
		}
		doc := page.Page{Title: "Fine-tuning with a share of the labels", Lead: []string{"The paper's Table 4. Its figures are of ResNet-50 on ImageNet."},
			Sections: []page.Section{{Title: "Accuracy", Tables: []page.Table{t}}}, Settings: settings(g.arms, g.seeds, time.Since(start))}
		return writeReport(p, g.out, doc, []page.Table{t})
	})
}

// fineTuned fine-tunes every run of every arm: a row for each arm, and one from
// scratch.
func (g *study) fineTuned(ctx context.Context, p program, o fineTuneOptions, supervised bool) (page.Table, error) {
	t := page.Table{Caption: "fine-tuned, top-1 and top-5 in percent, mean ± standard deviation over seeds", Head: []string{""}}
	for _, name := range o.names() {
		t.Head = append(t.Head, name+" top-1", "top-5")
	}
	t.Head = append(t.Head, "paper: 1% top-1, top-5; 10% top-1, top-5")
	var reasons []string
	add := func(a *arm, o fineTuneOptions) error {
		cells, err := g.fineTunedRow(ctx, p, a, o)
		t.Rows, reasons = append(t.Rows, append(cells, tableFour()[a.Name])), append(reasons, why(*a))
		return err
	}
	if supervised {
		o := o
		o.scratch = true
		first := g.arms[0] // whose networks these are: what failed of it is missing here
		first.Name, first.Failed = "supervised, from scratch", slices.Clone(first.Failed)
		if err := add(&first, o); err != nil {
			return t, err
		}
	}
	for i := range g.arms {
		if err := add(&g.arms[i], o); err != nil {
			return t, err
		}
	}
	return withReasons(t, reasons), nil
}

// fineTunedRow fine-tunes an arm's runs.
func (g *study) fineTunedRow(ctx context.Context, p program, a *arm, o fineTuneOptions) ([]string, error) {
	parts := len(o.names())
	top1, top5 := make([][]float64, parts), make([][]float64, parts)
	fives := hasTopFive(classCount(a.config))
	for _, r := range a.Runs {
		o.Seed, o.splitSeed, o.threads = r.Seed, r.Seed, a.config.Threads
		out, err := r.fineTuned(ctx, p, o)
		if err != nil {
			err = fmt.Errorf("fine-tuning: %w", err)
		}
		if err := g.settled(ctx, p, a, r.Seed, err); err != nil {
			return nil, err
		}
		for i, f := range out {
			five := math.NaN()
			if fives {
				five = 100 * f.Accuracy.Top5
			}
			top1[i], top5[i] = append(top1[i], 100*f.Accuracy.Top1), append(top5[i], five)
		}
	}
	cells := []string{a.Name}
	for i := range parts {
		missing := len(a.Failed)
		cells = append(cells, spread(top1[i], missing), spread(top5[i], missing))
	}
	return cells, nil
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
