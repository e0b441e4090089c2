package main

import (
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/icl-msr/icl-msr/internal/experiment"
	"github.com/icl-msr/icl-msr/train"
)

// newStudy is a study whose tables and progress p shows.
func newStudy(p program, folder string, probeEpochs int) experiment.Study {
	return experiment.Study{Folder: folder, Seeds: 3, ProbeEpochs: probeEpochs, Tables: p.stdout, Log: p.stderr}
}

// configured is what makes a run's configuration of args with further flags behind them.
func configured(p program, command string, args []string, extra func(f *pflag.FlagSet)) experiment.Configure {
	return func(flags ...string) (train.Config, error) {
		return settle(p, command, slices.Concat(args, flags), extra)
	}
}

func bindStudy(f *pflag.FlagSet, g *experiment.Study) {
	f.IntVar(&g.Seeds, "seeds", g.Seeds, "paired seeds of each; ten or more for any claim")
	f.StringVar(&g.Folder, "out", g.Folder, "folder of the runs, of table.md, table.csv and index.html")
	f.IntVar(&g.ProbeEpochs, "probe-epochs", g.ProbeEpochs, "epochs of the linear probe (500 in the paper)")
}

// presetUnder puts a command's own preset under the arguments unless they name
// one, and has the help show it.
func presetUnder(args []string, preset string) (under []string, shown func(f *pflag.FlagSet)) {
	if preset == "" {
		return args, func(*pflag.FlagSet) {}
	}
	shown = func(f *pflag.FlagSet) { f.Lookup(presetKey).DefValue = preset }
	named := func(a string) bool {
		return a == "--"+presetKey || strings.HasPrefix(a, "--"+presetKey+"=")
	}
	if slices.ContainsFunc(args, named) {
		return args, shown
	}
	return append([]string{"--" + presetKey, preset}, args...), shown
}

const ablationsAbout = "also run these --msr-ablation settings, and compare MSR with each: " +
	"with ones L_msr is NT-Xent on pairs that nothing weights, the baseline of methods without negatives of their own"
