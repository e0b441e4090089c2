package main

import (
	"context"

	"github.com/spf13/pflag"
)

// sweep trains a method with MSR over values of any flags, beside the method
// alone and the ablations.
func sweep(ctx context.Context, p program, args []string) error {
	var axes []string
	g := sweepStudy{study: newStudy(p, "runs/sweep", 200)}
	extra := func(f *pflag.FlagSet) {
		f.StringArrayVar(&axes, "axis", nil, "FLAG=VALUE,VALUE,...: a flag of pretrain and its values; may be given several times")
		f.BoolVar(&g.list, "list", false, "the axes' first values together, then their second ones, ..., instead of every combination")
		f.BoolVar(&g.ablations, "ablations", false, "each ablation of MSR at the settings given, too")
		f.BoolVar(&g.baseline, "baseline", true, "the method without MSR, which the differences are to")
		bindStudy(f, &g.study)
	}
	with := configured(p, "sweep", args, extra)
	if _, err := with(); err != nil {
		return err
	}
	return g.sweep(ctx, axes, with)
}
