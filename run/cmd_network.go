package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/icl-msr/icl-msr/internal/runfolder"
	"github.com/icl-msr/icl-msr/nets"
	"github.com/spf13/pflag"
)

// pick loads the newest checkpoint of a run, or a file.
func pick(run, file string) (k checkpoint, err error) {
	if (run == "") == (file == "") {
		return k, usagef("give either --run DIR or --checkpoint FILE")
	}
	if run == "" {
		return load(file)
	}
	if !exists(run) {
		return k, fmt.Errorf("--run %s: no such folder", run)
	}
	k, err = newest(os.Stderr, run)
	if errors.Is(err, fs.ErrNotExist) {
		return k, fmt.Errorf("--run %s: no checkpoint there yet (%s)", run, runfolder.Last(run))
	}
	return k, err
}

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
		return scriptedCheckpoint(script, n.config)
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
	return foreignCheckpoint(n.config)
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
