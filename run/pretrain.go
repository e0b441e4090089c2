package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/pflag"

	"github.com/icl-msr/icl-msr/dist"
	"github.com/icl-msr/icl-msr/internal/runfolder"
	"github.com/icl-msr/icl-msr/train"
)

func pretrain(ctx context.Context, p program, args []string) error {
	out, resume := "", false
	var jf jobFlags
	bind := func(f *pflag.FlagSet) {
		f.StringVar(&out, "out", "", "run folder (default runs/METHOD-DATASET-seedN)")
		f.BoolVar(&resume, "resume", false, "resume the run in --out")
		jf.bind(f)
	}
	c, err := request{command: "pretrain", args: args, extra: bind}.settle(p)
	if err != nil {
		return err
	}
	if out == "" {
		out = usualFolder(c)
	}
	place, spawn, err := jf.place(c.Device)
	if err != nil {
		return err
	}
	if spawn {
		return jf.spawn(ctx, p, args)
	}
	dist.Follow()
	job, err := jf.join(ctx, place, &c)
	if err != nil {
		return err
	}
	defer job.Close()
	_, err = train.PretrainIn(ctx, job, p.stderr, c, out, resume || place.Restarted && runfolder.Holds(out))
	return interruptedHere(ctx, err)
}

// usualFolder returns the folder of a run without --out.
func usualFolder(c train.Config) string {
	name := c.Method
	if c.UseMSR {
		name += "+msr"
	}
	return fmt.Sprintf("runs/%s-%s-seed%d", name, c.Data.Name, c.Seed)
}

// interruptedHere returns ctx's error for a rank that was interrupted but first heard of the interruption from another
// rank.
func interruptedHere(ctx context.Context, err error) error {
	var other *dist.Elsewhere
	if ctx.Err() != nil && errors.As(err, &other) {
		return ctx.Err()
	}
	return err
}
