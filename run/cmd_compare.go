package main

import (
	"context"

	"github.com/icl-msr/icl-msr/methods"
	"github.com/spf13/pflag"
)

// gridCommand is a command that compares methods.
type gridCommand struct {
	name, preset string // the preset holds unless the flags name one
	grid         comparison
	set          *pflag.FlagSet
}

// compare trains a grid of methods, with and without MSR, and writes the
// paper's Table 1 for what was run.
func compare(ctx context.Context, p program, args []string) error {
	k := gridCommand{name: "compare", grid: comparison{methods: methods.Names(), study: newStudy(p, "runs/compare", 200)}}
	k.grid.title = "Methods with and without MSR"
	return k.do(ctx, p, args)
}

func (k *gridCommand) bind(f *pflag.FlagSet) {
	k.set = f
	f.StringSliceVar(&k.grid.methods, "methods", k.grid.methods, "methods to compare")
	f.StringVar(&k.grid.msr, "msr", "both", "the meta semantic regularizer: off, on or both")
	f.StringSliceVar(&k.grid.ablations, "ablations", k.grid.ablations, ablationsAbout)
	bindStudy(f, &k.grid.study)
}

func (k *gridCommand) do(ctx context.Context, p program, args []string) error {
	under, shown := presetUnder(args, k.preset)
	with := configured(p, k.name, under, func(f *pflag.FlagSet) { shown(f); k.bind(f) })
	c, err := with()
	if err != nil {
		return err
	}
	if k.set.Changed("method") || c.Method != defaults().Method {
		return usagef("--method: compare takes several, --methods simclr,byol")
	}
	return k.grid.compare(ctx, with)
}
