package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/spf13/pflag"

	"github.com/icl-msr/icl-msr/internal/outfile"
	"github.com/icl-msr/icl-msr/internal/runfolder"
	"github.com/icl-msr/icl-msr/internal/usage"
	"github.com/icl-msr/icl-msr/nets"
	"github.com/icl-msr/icl-msr/train"
)

// pick loads the newest checkpoint of a run, or a checkpoint file.
func pick(run, file string) (k train.Checkpoint, err error) {
	if (run == "") == (file == "") {
		return k, usage.Errorf("give either --run DIR or --checkpoint FILE")
	}
	if run == "" {
		return train.Load(file)
	}
	if !outfile.Exists(run) {
		return k, fmt.Errorf("--run %s: no such folder", run)
	}
	k, err = train.Newest(os.Stderr, run)
	if errors.Is(err, fs.ErrNotExist) {
		return k, fmt.Errorf("--run %s: no checkpoint there yet (%s)", run, runfolder.Last(run))
	}
	return k, err
}

// networkFlags name a trained network: a run, a checkpoint of this program, another program's file (--init), or a
// TorchScript module (--arch). The last two do not say how pictures are prepared for them.
type networkFlags struct {
	run, checkpoint string
	config          train.Config
	set             *pflag.FlagSet
}

// ofInit lists the flags that go with --init only. A checkpoint holds these settings.
func ofInit() []string {
	return []string{"init-partial", "init-prefix", "arch", "width", "stem", "augment", "size"}
}

func bindNetwork(f *pflag.FlagSet) *networkFlags {
	n := &networkFlags{config: train.Default(), set: f}
	f.StringVar(&n.run, "run", "", "run folder, of which the newest checkpoint is used")
	f.StringVar(&n.checkpoint, "checkpoint", "", "checkpoint file")
	bindInitial(f, &n.config.Initial)
	f.StringVar(&n.config.Arch, "arch", "",
		"for --init: "+strings.Join(nets.Arches(),
			", ")+" (default: guessed from its tensors); or, without --init, "+train.ScriptedArch+"FILE, a TorchScript module "+
			"from pictures to features")
	f.Float64Var(&n.config.Width, "width", 0, "for --init: width factor (default: guessed from its tensors)")
	f.StringVar(&n.config.Stem, "stem", "",
		"for --init: cifar, stl or imagenet (default: cifar or imagenet, by its first convolution)")
	f.StringVar(&n.config.Augment, "augment", "",
		"for --init: how pictures are cropped and normalised: cifar, cifar100, stl10, tiny-imagenet or imagenet "+
			"(default: by the stem)")
	f.IntVar(&n.config.Size, "size", 0, "for --init: side of a picture in pixels (default: 32, 64 or 224, by the stem)")
	return n
}

// pick loads the network that the flags name. For --init it only describes the network; the file is read when the
// network is used.
func (n *networkFlags) pick() (train.Checkpoint, error) {
	given := 0
	for _, name := range []string{n.run, n.checkpoint, n.config.Initial.File} {
		if name != "" {
			given++
		}
	}
	script, scripted := strings.CutPrefix(n.config.Arch, train.ScriptedArch)
	switch {
	case scripted && given > 0:
		return train.Checkpoint{}, usage.Errorf("--arch %s is a network of its own: leave --run, --checkpoint and --init out",
			n.config.Arch)
	case scripted:
		return train.ScriptedCheckpoint(script, n.config)
	case given != 1:
		return train.Checkpoint{}, usage.Errorf("give either --run DIR or --checkpoint FILE, or --init FILE of another "+
			"program, or --arch %sFILE", train.ScriptedArch)
	}
	if n.config.Initial.File == "" {
		for _, name := range ofInit() {
			if n.set.Changed(name) {
				return train.Checkpoint{}, usage.Errorf("--%s goes with --init only: a run's checkpoint knows its own", name)
			}
		}
		return pick(n.run, n.checkpoint)
	}
	return train.ForeignCheckpoint(n.config)
}

// files returns the files that the network is read from.
func (n *networkFlags) files() (out []string) {
	script, _ := strings.CutPrefix(n.config.Arch, train.ScriptedArch)
	for _, path := range []string{n.checkpoint, n.config.Initial.File, script} {
		if path != "" {
			out = append(out, path)
		}
	}
	return out
}
