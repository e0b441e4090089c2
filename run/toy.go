package main

import (
	"context"

	"github.com/spf13/pflag"

	"github.com/icl-msr/icl-msr/internal/experiment"
)

// toy runs the paper's experiment of Figures 1 and 4: training and testing on full pictures and on their foregrounds,
// in all four combinations.
func toy(ctx context.Context, p program, args []string) error {
	var names []string
	g := experiment.Toy{Study: newStudy(p, "runs/toy", 200)}
	extra := func(f *pflag.FlagSet) {
		f.StringSliceVar(&names, "methods", []string{"simclr", "byol"}, "methods, each without and with MSR")
		f.StringVar(&g.Probe, "probe-variant", "", "what to train the probes on: full, foreground, background-removed "+
			"(coco) or new-background (default: what each network was trained on)")
		bindStudy(f, &g.Study)
	}
	with := request{command: "toy", args: args, extra: extra}.configure(p)
	if _, err := with(); err != nil {
		return err
	}
	return g.Run(ctx, names, with)
}
