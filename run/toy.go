package main

import (
	"context"

	"github.com/spf13/pflag"

	"github.com/icl-msr/icl-msr/internal/experiment"
)

// toy is the paper's experiment of Figures 1 and 4: training and testing on full pictures and on their foreground, in
// all four combinations.
func toy(ctx context.Context, p program, args []string) error {
	g := experiment.Toy{Study: newStudy(p, "runs/toy", 200), Methods: []string{"simclr", "byol"}}
	extra := func(f *pflag.FlagSet) { bindToy(f, &g) }
	with := request{command: "toy", args: args, extra: extra}.configure(p)
	if _, err := with(); err != nil {
		return err
	}
	return g.Run(ctx, with)
}

func bindToy(f *pflag.FlagSet, g *experiment.Toy) {
	f.StringSliceVar(&g.Methods, "methods", g.Methods, "methods, each without and with MSR")
	f.StringVar(&g.Probe, "probe-variant", "", "what to train the probes on: full, foreground, background-removed "+
		"(coco) or new-background (default: what each network was trained on)")
	bindStudy(f, &g.Study)
}
