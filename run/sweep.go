package main

import (
	"context"

	"github.com/spf13/pflag"

	"github.com/icl-msr/icl-msr/internal/experiment"
)

// sweep trains a method with MSR over values of any flags, beside the method alone and the ablations.
func sweep(ctx context.Context, p program, args []string) error {
	g := experiment.Sweep{Study: newStudy(p, "runs/sweep", 200)}
	extra := func(f *pflag.FlagSet) { bindSweep(f, &g) }
	with := request{command: "sweep", args: args, extra: extra}.configure(p)
	if _, err := with(); err != nil {
		return err
	}
	return g.Run(ctx, with)
}

func bindSweep(f *pflag.FlagSet, g *experiment.Sweep) {
	f.StringArrayVar(&g.Axes, "axis", nil,
		"FLAG=VALUE,VALUE,...: a flag of pretrain and its values; may be given several times")
	f.BoolVar(&g.List, "list", false,
		"take the axes' first values together, then their second ones, and so on, instead of every combination")
	f.BoolVar(&g.Ablations, "ablations", false, "also run each ablation of MSR at the given settings")
	f.BoolVar(&g.Baseline, "baseline", true, "also run the method without MSR; differences are to it")
	bindStudy(f, &g.Study)
}
