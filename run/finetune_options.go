package main

import (
	"slices"

	"github.com/spf13/pflag"

	"github.com/icl-msr/icl-msr/eval"
)

// fineTuneOptions say how a backbone is fine-tuned.
type fineTuneOptions struct {
	eval.FineTuneConfig
	shares  []labelShare
	lists   []string
	passes  int // of parts that name none; 0: as many as is usual with such a share
	batch   int
	threads int
	machine
	scratch   bool
	splitSeed uint64
}

// check refuses, before hours of training, what could not be fine-tuned after them.
func (o *fineTuneOptions) check(f *pflag.FlagSet, epochs string) error {
	for _, s := range o.shares {
		if !(s.share > 0 && s.share <= 1) {
			return usagef("--labels %g: want shares above 0, up to 1", s.share)
		}
	}
	for _, text := range o.lists {
		if list := parseLabelList(text); !exists(list.path) {
			return usagef("--label-list %s: no such file", list.path)
		}
	}
	if f.Changed(epochs) {
		c := o.FineTuneConfig
		if c.Epochs = o.passes; !slices.Contains(o.ownEpochs(), 0) && c.Validate() == nil {
			return usagef("--%s %d: all of --labels and --label-list name their own; leave one of both out", epochs, o.passes)
		}
		if err := c.Validate(); err != nil {
			return usage{err}
		}
	}
	if err := o.Validate(); err != nil {
		return usage{err}
	}
	return nil
}

// bindLabels are the flags of the labelled pictures and of how often they are seen.
func (o *fineTuneOptions) bindLabels(f *pflag.FlagSet, epochs string) {
	f.Var(&labelShares{to: &o.shares}, "labels",
		"shares of the labels, the same of each class, drawn by a seed; each with its epochs or without")
	f.StringSliceVar(&o.lists, "label-list", o.lists,
		"FILE[:EPOCHS]: files that name the labelled pictures, instead of --labels "+
			"(SimCLR's 1percent.txt, 10percent.txt)")
	f.IntVar(&o.passes, epochs, o.passes,
		"passes over the labelled pictures where --labels names none (0: SimCLR's 60 with 1 % of the pictures, 30 with 10 %)")
}

func defaultFineTuneOptions() fineTuneOptions {
	return fineTuneOptions{FineTuneConfig: eval.DefaultFineTune(), batch: 256, machine: onCPU(),
		shares: []labelShare{{0.01, 0}, {0.1, 0}}}
}
