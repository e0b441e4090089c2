package main

import (
	"context"
	"slices"
	"time"

	"github.com/spf13/pflag"

	"github.com/icl-msr/icl-msr/internal/page"
)

// labelStudy is the paper's Table 4: what is trained is fine-tuned with shares of
// the labels.
type labelStudy struct {
	comparison
	tune       fineTuneOptions
	supervised bool
}

// semi is the paper's Table 4: fine-tuning with 1% and 10% of the labels, and
// training with them alone, the supervised baseline.
func semi(ctx context.Context, p program, args []string) error {
	k := labelStudy{tune: defaultFineTuneOptions(), supervised: true, comparison: comparison{command: "semi",
		preset: "imagenet", methods: []string{"simclr", "byol"}, study: study{out: "runs/semi", seeds: 3, probeEpochs: 500}}}
	return k.do(ctx, p, args)
}

func (k *labelStudy) bind(f *pflag.FlagSet) {
	k.set = f
	f.StringSliceVar(&k.methods, "methods", k.methods, "methods, each without and with MSR")
	f.StringSliceVar(&k.ablations, "ablations", k.ablations, ablationsAbout)
	f.BoolVar(&k.supervised, "supervised", true,
		"training from scratch with the same labels beside, on the first method's networks")
	k.tune.bindLabels(f, "tune-epochs")
	f.Float64Var(&k.tune.LR, "tune-lr", k.tune.LR, "first learning rate of fine-tuning, for batches of 256")
	k.study.bind(f)
}

func (k *labelStudy) do(ctx context.Context, p program, args []string) error {
	// The table's n is 14, and its data ImageNet, unless the flags say otherwise.
	under, shown := presetUnder(append([]string{"--weights", "14"}, args...), k.preset)
	extra := func(f *pflag.FlagSet) { shown(f); k.bind(f) }
	if _, err := settle(p, k.command, under, extra); err != nil {
		return err
	}
	if err := distinct(k.methods); err != nil {
		return err
	}
	if err := k.tune.check(k.set, "tune-epochs"); err != nil {
		return err
	}
	for _, name := range k.methods {
		c, err := settle(p, k.command, append(slices.Clone(under), "--method", name), extra)
		if err != nil {
			return err
		}
		if err := k.add(name, c, []bool{false, true}); err != nil {
			return err
		}
	}
	start := time.Now()
	return k.run(ctx, p, func() error { return k.write(ctx, p, start) })
}

// write fine-tunes all runs, and writes the tables and the page.
func (k *labelStudy) write(ctx context.Context, p program, start time.Time) error {
	rows, err := k.fineTuned(ctx, p)
	if err != nil {
		return err
	}
	grid := gridOf(k.arms)
	tables := []page.Table{k.accuracies(rows), k.differences(grid, rows)}
	doc := page.Page{Title: "Fine-tuning with a share of the labels",
		Lead: []string{"Here: " + networkHere(k.arms) +
			". The paper's figures (its Table 4) are of ResNet-50 on ImageNet, with n = 14."},
		Sections: []page.Section{{Title: "Accuracy", Tables: tables,
			Text: figures(k.seeds) + " " + chance(k.seeds) + k.contrastText()}},
		Settings: append(settings(k.arms, k.seeds, time.Since(start)), k.recipe(rows))}
	return writeReport(p, k.out, doc, tables)
}
