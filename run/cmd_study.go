package main

import (
	"slices"
	"strings"

	"github.com/spf13/pflag"
)

// newStudy is a study whose tables and progress p shows.
func newStudy(p program, folder string, probeEpochs int) study {
	return study{folder: folder, seeds: 3, probeEpochs: probeEpochs, tables: p.stdout, log: p.stderr}
}

// configured is what makes a run's configuration of args with further flags behind them.
func configured(p program, command string, args []string, extra func(f *pflag.FlagSet)) configure {
	return func(flags ...string) (config, error) { return settle(p, command, slices.Concat(args, flags), extra) }
}

func bindStudy(f *pflag.FlagSet, g *study) {
	f.IntVar(&g.seeds, "seeds", g.seeds, "paired seeds of each; ten or more for any claim")
	f.StringVar(&g.folder, "out", g.folder, "folder of the runs, of table.md, table.csv and index.html")
	f.IntVar(&g.probeEpochs, "probe-epochs", g.probeEpochs, "epochs of the linear probe (500 in the paper)")
}

// presetUnder puts a command's own preset under the arguments unless they name
// one, and has the help show it.
func presetUnder(args []string, preset string) (under []string, shown func(f *pflag.FlagSet)) {
	if preset == "" {
		return args, func(*pflag.FlagSet) {}
	}
	shown = func(f *pflag.FlagSet) { f.Lookup(presetKey).DefValue = preset }
	named := func(a string) bool { return a == "--"+presetKey || strings.HasPrefix(a, "--"+presetKey+"=") }
	if slices.ContainsFunc(args, named) {
		return args, shown
	}
	return append([]string{"--" + presetKey, preset}, args...), shown
}

const ablationsAbout = "also run these --msr-ablation settings, and compare MSR with each: " +
	"with ones L_msr is NT-Xent on pairs that nothing weights, the baseline of methods without negatives of their own"
