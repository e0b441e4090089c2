package main

import (
	"context"

	"github.com/spf13/pflag"
)

// labelsCommand is semi.
type labelsCommand struct {
	study labelStudy
	set   *pflag.FlagSet
}

// semi is the paper's Table 4: fine-tuning with 1% and 10% of the labels, and
// training with them alone, the supervised baseline.
func semi(ctx context.Context, p program, args []string) error {
	grid := comparison{methods: []string{"simclr", "byol"}, study: newStudy(p, "runs/semi", 500)}
	k := labelsCommand{study: labelStudy{tune: defaultFineTuneOptions(), supervised: true, comparison: grid}}
	return k.do(ctx, p, args)
}

func (k *labelsCommand) bind(f *pflag.FlagSet) {
	k.set = f
	g := &k.study
	f.StringSliceVar(&g.methods, "methods", g.methods, "methods, each without and with MSR")
	f.StringSliceVar(&g.ablations, "ablations", g.ablations, ablationsAbout)
	f.BoolVar(&g.supervised, "supervised", true,
		"training from scratch with the same labels beside, on the first method's networks")
	bindLabels(f, &g.tune, "tune-epochs")
	f.Float64Var(&g.tune.LR, "tune-lr", g.tune.LR, "first learning rate of fine-tuning, for batches of 256")
	bindStudy(f, &g.comparison.study)
}

func (k *labelsCommand) do(ctx context.Context, p program, args []string) error {
	// The table's n is 14, and its data ImageNet, unless the flags say otherwise.
	under, shown := presetUnder(append([]string{"--weights", "14"}, args...), "imagenet")
	with := configured(p, "semi", under, func(f *pflag.FlagSet) { shown(f); k.bind(f) })
	if _, err := with(); err != nil {
		return err
	}
	if err := k.study.tune.check("tune-epochs", k.set.Changed("tune-epochs")); err != nil {
		return err
	}
	return k.study.semi(ctx, with)
}
