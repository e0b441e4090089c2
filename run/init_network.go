package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/pflag"

	"github.com/icl-msr/icl-msr/meta"
	"github.com/icl-msr/icl-msr/nets"
)

// networkFlags name a trained network: a run, a checkpoint of this program, with
// --init a file of another's, or with --arch a TorchScript module; the latter two
// do not say how they are to be used.
type networkFlags struct {
	run, checkpoint string
	config          config
	set             *pflag.FlagSet
}

// ofInit are the flags that only go with --init: a checkpoint knows its own.
func ofInit() []string {
	return []string{"init-partial", "init-prefix", "arch", "width", "stem", "augment", "size"}
}

func bindNetwork(f *pflag.FlagSet) *networkFlags {
	n := &networkFlags{config: defaults(), set: f}
	f.StringVar(&n.run, "run", "", "run folder, its newest checkpoint")
	f.StringVar(&n.checkpoint, "checkpoint", "", "checkpoint file")
	n.config.Initial.bind(f)
	f.StringVar(&n.config.Arch, "arch", "", "of --init: "+strings.Join(nets.Arches(), ", ")+" (default: what its tensors tell); or, alone, "+scriptedArch+"FILE, a TorchScript module from pictures to features")
	f.Float64Var(&n.config.Width, "width", 0, "of --init: width factor (default: what its tensors tell)")
	f.StringVar(&n.config.Stem, "stem", "", "of --init: cifar, stl or imagenet (default: cifar or imagenet, as its first convolution tells)")
	f.StringVar(&n.config.Augment, "augment", "", "of --init: how pictures are cut and normalised, cifar, stl10, tiny-imagenet or imagenet (default: as the stem)")
	f.IntVar(&n.config.Size, "size", 0, "of --init: side of a picture in pixels (default: 32, 64 or 224, as the stem)")
	return n
}

// pick loads what the flags name; of --init the network is described, and loaded
// by checkpoint.encoder.
func (n *networkFlags) pick() (checkpoint, error) {
	given := 0
	for _, name := range []string{n.run, n.checkpoint, n.config.Initial.File} {
		if name != "" {
			given++
		}
	}
	script, scripted := strings.CutPrefix(n.config.Arch, scriptedArch)
	switch {
	case scripted && given > 0:
		return checkpoint{}, usagef("--arch %s is a network of its own: leave --run, --checkpoint and --init out", n.config.Arch)
	case scripted:
		k := checkpoint{path: script, config: n.config, foreign: new(bool)}
		k.config.usual()
		return k, k.config.absolute()
	case given != 1:
		return checkpoint{}, usagef("give either --run DIR or --checkpoint FILE, or --init FILE of another program, or --arch %sFILE", scriptedArch)
	}
	if n.config.Initial.File == "" {
		for _, name := range ofInit() {
			if n.set.Changed(name) {
				return checkpoint{}, usagef("--%s goes with --init only: a run's checkpoint knows its own", name)
			}
		}
		return pick(n.run, n.checkpoint)
	}
	k := checkpoint{path: n.config.Initial.File, config: n.config, foreign: new(bool)}
	return k, k.config.describe()
}

// files are those that the network is read from.
func (n *networkFlags) files() (out []string) {
	script, _ := strings.CutPrefix(n.config.Arch, scriptedArch)
	for _, path := range []string{n.checkpoint, n.config.Initial.File, script} {
		if path != "" {
			out = append(out, path)
		}
	}
	return out
}

// describe settles what flags leave open of a network from --init.
func (c *config) describe() error {
	file, layout, err := c.Initial.open()
	if err != nil {
		return err
	}
	defer file.Close()
	if c.Arch == "" || c.Width == 0 || c.Stem == "" {
		g, err := guess(file, layout)
		var other *unbuilt
		if err != nil && !(errors.As(err, &other) && c.Initial.Partial && c.Arch != "") {
			return fmt.Errorf("--init %s: %s: %w", c.Initial.File, layout, err)
		}
		c.Arch, c.Width, c.Stem = cmp.Or(c.Arch, g.Arch), cmp.Or(c.Width, g.Width), cmp.Or(c.Stem, string(g.Stem))
	}
	c.usual()
	return nil
}

// usual settles how pictures are cut and normalised, by the stem.
func (c *config) usual() {
	usual := map[string]struct {
		augment string
		size    int
	}{string(nets.StemImageNet): {"imagenet", 224}, string(nets.StemSTL): {"stl10", 64}}
	u, ok := usual[c.Stem]
	if !ok {
		u.augment, u.size = "cifar", 32
	}
	if c.Augment == "" {
		c.Augment = u.augment
	}
	if c.Size == 0 {
		c.Size = u.size
	}
}

// encoder fills the backbone of a state, from the checkpoint or from --init, of
// which it tells w once.
func (k checkpoint) encoder(w io.Writer, st *meta.State) error {
	if k.foreign == nil {
		return k.fill(st.Encoder())
	}
	if *k.foreign || w == nil {
		w = io.Discard
	}
	*k.foreign = true
	if _, ok := st.Backbone.(*nets.Scripted); ok { // its parameters are the file's already
		fmt.Fprintf(w, "%s: a TorchScript module from pictures of %d pixels, cut and normalised as %s, to %d features\n", k.path, k.config.Size, k.config.Augment, st.Backbone.Dim())
		return nil
	}
	return k.config.initialise(w, st, backboneOnly)
}

// needsDataset is the usage error of --init without one.
func (k checkpoint) needsDataset(dataset string) error {
	if k.foreign != nil && dataset == "" {
		return usagef("a network of another program needs --dataset, and --data-dir where the data is: the file does not tell (see run datasets)")
	}
	return nil
}
