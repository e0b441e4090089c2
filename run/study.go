package main

import (
	"github.com/spf13/pflag"

	"github.com/icl-msr/icl-msr/internal/experiment"
	"github.com/icl-msr/icl-msr/train"
)

// newStudy is a study whose tables and progress p shows.
func newStudy(p program, folder string, probeEpochs int) experiment.Study {
	return experiment.Study{
		Folder:      folder,
		Seeds:       3,
		ProbeEpochs: probeEpochs,
		Tables:      p.stdout,
		Log:         p.stderr,
	}
}

// configure makes the configurations of a study's arms.
func (r request) configure(p program) experiment.Configure {
	return func(flags ...string) (train.Config, error) { return r.settle(p, flags...) }
}

func bindStudy(f *pflag.FlagSet, g *experiment.Study) {
	f.IntVar(&g.Seeds, "seeds", g.Seeds, "paired seeds of each; ten or more for any claim")
	f.StringVar(&g.Folder, "out", g.Folder, "folder of the runs, of table.md, table.csv and index.html")
	f.IntVar(&g.ProbeEpochs, "probe-epochs", g.ProbeEpochs, "epochs of the linear probe (500 in the paper)")
}

const ablationsAbout = "also run these --msr-ablation settings, and compare MSR with each: " +
	"with ones L_msr is NT-Xent on pairs that nothing weights, the baseline of methods without negatives of their own"
