package main

import (
	"context"

	"github.com/icl-msr/icl-msr/internal/experiment"
	"github.com/icl-msr/icl-msr/internal/usage"
	"github.com/icl-msr/icl-msr/meta"
	"github.com/icl-msr/icl-msr/train"
)

func demo(ctx context.Context, p program, args []string) error {
	f := flags(p, "demo", "[flags]")
	out := f.String("out", "runs/demo", "folder of the page and of the runs")
	seeds := f.Int("seeds", 3, "paired seeds of each arm")
	epochs := f.Int("epochs", 6, "epochs of each run")
	count := f.Int("count", 3200, "training pictures")
	correlation := f.Float64("correlation", 0.3, "share of pictures whose background is that of their class")
	every := f.Int("meta-every", 4, "meta step on every K-th batch; 1 is the paper")
	ablations := f.StringSlice("ablations", []string{string(meta.Ones)}, "also compare these --msr-ablation settings")
	threads := f.Int("threads", 0, "threads of an operation (0: all cores)")
	if err := parse(f, args); err != nil {
		return err
	}
	if *seeds < 1 || *epochs < 1 {
		return usage.Errorf("--seeds %d --epochs %d: want 1 or more", *seeds, *epochs)
	}
	c := train.Default()
	small, err := train.FindPreset("cpu")
	if err != nil {
		return err
	}
	small.Apply(&c)
	c.Schedule.Epochs, c.Schedule.Warmup = *epochs, 25
	c.Data.Count, c.Data.Correlation = *count, *correlation
	c.MSR.Every, c.Threads = *every, *threads
	g := experiment.Demo{Study: newStudy(p, *out, 200)}
	g.Seeds = *seeds
	return g.Run(ctx, c, *ablations)
}
