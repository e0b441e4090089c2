package main

import (
	"github.com/spf13/pflag"

	"github.com/icl-msr/icl-msr/internal/experiment"
	"github.com/icl-msr/icl-msr/train"
)

// newStudy returns a study that writes its tables and progress to p.
func newStudy(p program, folder string, probeEpochs int) experiment.Study {
	return experiment.Study{
		Folder:      folder,
		Seeds:       3,
		ProbeEpochs: probeEpochs,
		Tables:      p.stdout,
		Log:         p.stderr,
	}
}

// configure returns the function that makes the configurations of a study's arms.
func (r request) configure(p program) experiment.Configure {
	return func(flags ...string) (train.Config, error) { return r.settle(p, flags...) }
}

func bindStudy(f *pflag.FlagSet, g *experiment.Study) {
	f.IntVar(&g.Seeds, "seeds", g.Seeds, "paired seeds of each arm; a claim needs ten or more")
	f.StringVar(&g.Folder, "out", g.Folder, "folder for the runs, table.md, table.csv and index.html")
	f.IntVar(&g.ProbeEpochs, "probe-epochs", g.ProbeEpochs, "epochs of the linear probe (500 in the paper)")
}

const ablationsAbout = "also run these --msr-ablation settings, and compare MSR with each. " +
	"With ones, L_msr is NT-Xent without weights, the baseline for methods that have no negatives"
