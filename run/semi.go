package main

import (
	"context"

	"github.com/spf13/pflag"

	"github.com/icl-msr/icl-msr/internal/experiment"
	"github.com/icl-msr/icl-msr/train"
)

// labelsCommand is semi.
type labelsCommand struct {
	study experiment.LabelStudy
	set   *pflag.FlagSet
}

// semi is the paper's Table 4: fine-tuning with 1% and 10% of the labels, and
// training with them alone, the supervised baseline.
func semi(ctx context.Context, p program, args []string) error {
	grid := experiment.Comparison{Methods: []string{"simclr", "byol"}, Study: newStudy(p, "runs/semi", 500)}
	k := labelsCommand{study: experiment.LabelStudy{Tune: train.DefaultFineTune(), Supervised: true, Comparison: grid}}
	return k.do(ctx, p, args)
}

func (k *labelsCommand) bind(f *pflag.FlagSet) {
	k.set = f
	g := &k.study
	f.StringSliceVar(&g.Methods, "methods", g.Methods, "methods, each without and with MSR")
	f.StringSliceVar(&g.Ablations, "ablations", g.Ablations, ablationsAbout)
	f.BoolVar(&g.Supervised, "supervised", true,
		"training from scratch with the same labels beside, on the first method's networks")
	bindLabels(f, &g.Tune, "tune-epochs")
	f.Float64Var(&g.Tune.LR, "tune-lr", g.Tune.LR, "first learning rate of fine-tuning, for batches of 256")
	bindStudy(f, &g.Comparison.Study)
}

func (k *labelsCommand) do(ctx context.Context, p program, args []string) error {
	// The table's n is 14, and its data ImageNet, unless the flags say otherwise.
	under, shown := presetUnder(append([]string{"--weights", "14"}, args...), "imagenet")
	with := configured(p, "semi", under, func(f *pflag.FlagSet) { shown(f); k.bind(f) })
	if _, err := with(); err != nil {
		return err
	}
	if err := k.study.Tune.Check("tune-epochs", k.set.Changed("tune-epochs")); err != nil {
		return err
	}
	return k.study.Run(ctx, with)
}
