package main

import (
	"context"

	"github.com/spf13/pflag"

	"github.com/icl-msr/icl-msr/internal/experiment"
	"github.com/icl-msr/icl-msr/internal/usage"
	"github.com/icl-msr/icl-msr/methods"
)

// gridCommand is a command that compares methods.
type gridCommand struct {
	name, preset string // the preset is used unless a file or a flag names one
	grid         experiment.Comparison
	set          *pflag.FlagSet
}

// compare trains a grid of methods, with and without MSR, and writes the paper's Table 1 for what was run.
func compare(ctx context.Context, p program, args []string) error {
	k := gridCommand{name: "compare",
		grid: experiment.Comparison{Methods: methods.Names(), Study: newStudy(p, "runs/compare", 200)}}
	k.grid.Title = "Methods with and without MSR"
	return k.do(ctx, p, args)
}

func (k *gridCommand) bind(f *pflag.FlagSet) {
	k.set = f
	bindComparison(f, &k.grid)
}

func bindComparison(f *pflag.FlagSet, g *experiment.Comparison) {
	f.StringSliceVar(&g.Methods, "methods", g.Methods, "methods to compare; "+methods.WMSE2+" is w_mse with two views")
	f.StringVar(&g.MSR, "msr", "both", "the meta semantic regularizer: off, on or both")
	f.StringSliceVar(&g.Ablations, "ablations", g.Ablations, ablationsAbout)
	bindStudy(f, &g.Study)
}

func (k *gridCommand) do(ctx context.Context, p program, args []string) error {
	with := request{command: k.name, args: args, preset: k.preset, extra: k.bind}.configure(p)
	if _, err := with(); err != nil {
		return err
	}
	if k.set.Changed("method") {
		return usage.Errorf("--method: compare takes several, --methods simclr,byol")
	}
	return k.grid.Run(ctx, with)
}
