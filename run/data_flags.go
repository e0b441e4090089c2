package main

import (
	"fmt"
	"io"

	"github.com/spf13/pflag"

	"github.com/icl-msr/icl-msr/datasets"
)

// dataFlags name the data that a trained network is used on. What is not given
// stays as it was in training.
type dataFlags struct {
	config config
	set    *pflag.FlagSet
	names  []string
}

func bindData(f *pflag.FlagSet) *dataFlags {
	d := &dataFlags{set: f}
	text := func(to *string, name, about string) {
		f.StringVar(to, name, "", about)
		d.names = append(d.names, name)
	}
	text(&d.config.Dataset, "dataset", "another data set than that of the training")
	text(&d.config.DataDir, "data-dir", "where the data is (default: as in training)")
	text(&d.config.Classes, "classes", "these classes only, comma-separated, a file, or "+datasets.ImageNet100+
		"; empty (--classes=): all (default: as in training, of another data set all)")
	text(&d.config.ValLabels, "val-labels", "imagenet: file with the labels of a flat val (default: as in training)")
	text(&d.config.Foreground, "foreground-dir", "confounded: Fashion-MNIST's folder (default: as in training)")
	text(&d.config.Variant, "train-variant", "of data sets whose foreground is known: the training pictures in full, "+
		"foreground, background-removed or new-background (default: as in training)")
	return d
}

// given are the flags that were.
func (d *dataFlags) given() (out []string) {
	for _, name := range d.names {
		if d.set.Changed(name) {
			out = append(out, "--"+name)
		}
	}
	return out
}

// over puts the flags over the data of the network's training. It tells w where
// only some classes are taken since the training took no others.
func (d *dataFlags) over(w io.Writer, k *checkpoint) error {
	if err := k.needsDataset(d.config.Dataset); err != nil {
		return err
	}
	c := &k.config
	if d.config.Dataset != "" {
		if d.config.Dataset != c.Dataset { // the rest is of the other one
			c.Classes, c.ValLabels, c.Foreground, c.Variant = "", "", "", string(datasets.Full)
		}
		c.Dataset, c.DataDir = d.config.Dataset, ""
	}
	for name, put := range map[string]struct{ to, value *string }{
		"data-dir": {&c.DataDir, &d.config.DataDir}, "classes": {&c.Classes, &d.config.Classes},
		"val-labels": {&c.ValLabels, &d.config.ValLabels}, "foreground-dir": {&c.Foreground, &d.config.Foreground},
		"train-variant": {&c.Variant, &d.config.Variant},
	} {
		if d.set.Changed(name) {
			*put.to = *put.value
		}
	}
	if c.Classes != "" && !d.set.Changed("classes") {
		fmt.Fprintf(w, "classes: %s alone, as in training; --classes= takes all\n", c.Classes)
	}
	return nil
}
