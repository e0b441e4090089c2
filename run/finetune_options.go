package main

import (
	"slices"

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

// check refuses, before hours of training, what could not be fine-tuned after them. epochs is what the setting of
// passes is called; given says that it was.
func (o *fineTuneOptions) check(epochs string, given bool) error {
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
	if given {
		c := o.FineTuneConfig
		if c.Epochs = o.passes; !slices.Contains(o.ownEpochs(), 0) && c.Validate() == nil {
			return usagef("--%s %d: all of --labels and --label-list name their own; leave one of both out", epochs, o.passes)
		}
		if err := c.Validate(); err != nil {
			return wrongUse(err)
		}
	}
	if err := o.Validate(); err != nil {
		return wrongUse(err)
	}
	return nil
}

func defaultFineTuneOptions() fineTuneOptions {
	return fineTuneOptions{FineTuneConfig: eval.DefaultFineTune(), batch: 256, machine: onCPU(),
		shares: []labelShare{{0.01, 0}, {0.1, 0}}}
}
