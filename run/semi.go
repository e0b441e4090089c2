package main

import (
	"context"

	"github.com/spf13/pflag"

	"github.com/icl-msr/icl-msr/internal/experiment"
	"github.com/icl-msr/icl-msr/train"
)

// labelsCommand is the command semi.
type labelsCommand struct {
	study experiment.LabelStudy
	set   *pflag.FlagSet
}

// semi runs the paper's Table 4: fine-tuning with 1% and 10% of the labels. Training with these labels alone is the
// supervised baseline.
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
		"also train the first method's networks from scratch with the same labels")
	bindLabels(f, &g.Tune, "tune-epochs")
	f.Float64Var(&g.Tune.LR, "tune-lr", g.Tune.LR, "initial learning rate of fine-tuning, for batches of 256")
	bindStudy(f, &g.Comparison.Study)
}

func (k *labelsCommand) do(ctx context.Context, p program, args []string) error {
	table := func(c *train.Config) { c.MSR.NumWeights = 14 }
	with := request{command: "semi", args: args, preset: "imagenet", change: table, extra: k.bind}.configure(p)
	if _, err := with(); err != nil {
		return err
	}
	if err := k.study.Tune.Check("--tune-epochs", k.set.Changed("tune-epochs")); err != nil {
		return err
	}
	return k.study.Run(ctx, with)
}
