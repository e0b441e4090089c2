package main

import (
	"context"

	"github.com/spf13/pflag"

	"github.com/icl-msr/icl-msr/internal/experiment"
)

// figure5 runs the paper's Figure 5: MSR over lambda, gamma and n, one at a time.
func figure5(ctx context.Context, p program, args []string) error {
	g := experiment.Panels{Study: newStudy(p, "runs/figure5", 500)}
	decades := []string{"0.001", "0.01", "0.1", "1", "10", "100", "1000"}
	g.Lambdas, g.Gammas = decades, decades
	g.NumWeights = []string{"2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12"}
	extra := func(f *pflag.FlagSet) { bindPanels(f, &g) }
	with := request{command: "figure5", args: args, preset: "cifar10", extra: extra}.configure(p)
	if _, err := with(); err != nil {
		return err
	}
	return g.Run(ctx, with)
}

func bindPanels(f *pflag.FlagSet, g *experiment.Panels) {
	f.StringSliceVar(&g.Lambdas, "lambda-values", g.Lambdas, "values of --lambda; an empty list leaves the panel out")
	f.StringSliceVar(&g.Gammas, "gamma-values", g.Gammas, "values of --gamma")
	f.StringSliceVar(&g.NumWeights, "weights-values", g.NumWeights, "values of --weights, n")
	bindStudy(f, &g.Study)
}
