package main

import (
	"fmt"
	"io"

	"github.com/spf13/pflag"

	"github.com/icl-msr/icl-msr/datasets"
	"github.com/icl-msr/icl-msr/internal/usage"
	"github.com/icl-msr/icl-msr/train"
)

// dataFlags name the data that a trained network is used on. They are some of training's flags. A flag that is not
// given keeps its value from training.
type dataFlags struct{ set *pflag.FlagSet }

func dataFlagNames() []string {
	return []string{"dataset", "data-dir", "classes", "val-labels", "foreground-dir", "train-variant", "count",
		"correlation", "data-seed"}
}

func bindData(f *pflag.FlagSet) *dataFlags {
	var c train.Config
	all := pflag.NewFlagSet("", pflag.ContinueOnError)
	bindConfig(all, &c)
	for _, name := range dataFlagNames() {
		g := all.Lookup(name)
		switch name {
		case "dataset":
			g.Usage = "another data set than that of the training; the flags below then do not keep their values from training"
		case "classes":
			g.Usage += "; all: --classes="
		}
		g.Usage += " (default: as in training)"
		f.AddFlag(g)
	}
	return &dataFlags{f}
}

// given returns the flags that were given.
func (d *dataFlags) given() (out []string) {
	for _, name := range dataFlagNames() {
		if d.set.Changed(name) {
			out = append(out, "--"+name)
		}
	}
	return out
}

// over applies the flags over the data settings of the network's training. It writes to w if the classes are still
// restricted as in training.
func (d *dataFlags) over(w io.Writer, k *train.Checkpoint) error {
	dataset := d.set.Lookup("dataset").Value.String()
	if err := k.NeedsDataset(dataset); err != nil {
		return err
	}
	c := &k.Config
	if dataset != "" && dataset != c.Data.Name { // these settings belong to the training's data set
		c.Classes, c.Data.Labels, c.Data.Foreground, c.Variant = "", "", "", string(datasets.Full)
	}
	if dataset != "" {
		c.Data.Dir = ""
	}
	trained := pflag.NewFlagSet("", pflag.ContinueOnError)
	bindConfig(trained, c)
	for _, name := range dataFlagNames() {
		if g := d.set.Lookup(name); g.Changed {
			if err := trained.Set(name, g.Value.String()); err != nil {
				return usage.Wrap(err)
			}
		}
	}
	if c.Classes != "" && !d.set.Changed("classes") {
		fmt.Fprintf(w, "classes: %s alone, as in training; --classes= takes all\n", c.Classes)
	}
	return nil
}

// bindDepth16 binds --depth16 for the commands that otherwise use the training's value.
func bindDepth16(f *pflag.FlagSet) *string {
	return f.String("depth16", "", depth16Help+" (default: as in training)")
}
