package main

import (
	"context"
	"strings"

	"github.com/spf13/pflag"

	"github.com/icl-msr/icl-msr/internal/experiment"
	"github.com/icl-msr/icl-msr/train"
)

// background runs the study of docs/background.md.
func background(ctx context.Context, p program, args []string) error {
	g := experiment.Background{Study: newStudy(p, "runs/background", 100), Arms: experiment.BackgroundArms()}
	g.Seeds = 10
	extra := func(f *pflag.FlagSet) { bindBackground(f, &g) }
	r := request{command: "background", args: args, preset: "cpu", extra: extra, change: func(c *train.Config) {
		c.Data.Count, c.Schedule.Epochs = 2000, 8
	}}
	c, err := r.settle(p)
	if err != nil {
		return err
	}
	return g.Run(ctx, c)
}

func bindBackground(f *pflag.FlagSet, g *experiment.Background) {
	f.StringSliceVar(&g.Arms, "arms", g.Arms, "what to compare with the method: any of "+
		strings.Join(experiment.BackgroundArms()[1:], ", "))
	f.DurationVar(&g.Slice, "slice", g.Slice,
		"end after the run during which this much time has passed; the same command then continues (0: no limit)")
	bindStudy(f, &g.Study)
}
