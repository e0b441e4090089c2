// Package experiment trains and evaluates many runs, and puts what came of them into tables and on a page.
package experiment

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/icl-msr/icl-msr/datasets"
	"github.com/icl-msr/icl-msr/internal/atomicfile"
	"github.com/icl-msr/icl-msr/internal/field"
	"github.com/icl-msr/icl-msr/internal/outfile"
	"github.com/icl-msr/icl-msr/internal/runfolder"
	"github.com/icl-msr/icl-msr/internal/usage"
	"github.com/icl-msr/icl-msr/train"
)

// Study is a list of arms that are trained, evaluated and put into tables and
// on a page: differences are to the first one. A run that fails leaves the others
// alone.
type Study struct {
	Title              string
	Folder             string // of the runs, the tables and the page
	Seeds, ProbeEpochs int
	Tables, Log        io.Writer // what tables are printed to, and what is told how runs get on
	arms               []arm
	Baseline           bool // the first arm is what the others are compared with
	tried, failed      int  // runs, and fine-tunings
	varyData           bool // the data's seed goes with the run's
	// add trains and evaluates one seed of an arm in place of arm.add; nil: that.
	add func(ctx context.Context, i int, c train.Config) error
	// skip leaves out a seed of arm i, which counts from 0; nil: none.
	skip func(seed, i int) bool
}

// Configure makes a run's configuration of what the user gave, with these flags over it.
type Configure func(flags ...string) (train.Config, error)

// check tells before hours of training what is wrong with all of it.
func (g *Study) check() error {
	if g.Seeds < 1 || g.ProbeEpochs < 1 {
		return usage.Errorf("{experiment.Seeds} %d {experiment.ProbeEpochs} %d: want 1 or more", g.Seeds, g.ProbeEpochs)
	}
	opened := map[string]bool{}
	for i := range g.arms {
		c := &g.arms[i].config
		if _, _, err := c.Model(0); err != nil {
			return err
		}
		data := fmt.Sprintf("%q", []any{c.Data.Name, c.Data.Dir, c.Data.Foreground, c.Variant, c.Classes, c.Data.Labels,
			c.Data.Unlabelled,
			c.Data.Count, c.Data.Correlation, c.Data.Seed, c.Size})
		if opened[data] {
			continue
		}
		opened[data] = true
		for _, train := range []bool{true, false} {
			ds, err := c.OpenPart(train, train && c.Data.Unlabelled)
			if err != nil {
				return err
			}
			datasets.Close(ds)
		}
	}
	return g.vacant()
}

// vacant refuses a folder whose page or tables are not those of a study.
func (g *Study) vacant() error {
	entries, _ := os.ReadDir(g.Folder) // where there is none, nothing is lost
	for _, e := range entries {
		if outfile.Exists(runfolder.Config(filepath.Join(g.Folder, e.Name()))) {
			return nil
		}
	}
	for _, name := range []string{"index.html", "table.md", "table.csv"} {
		if path := filepath.Join(g.Folder, name); outfile.Exists(path) {
			return usage.Errorf("{experiment.Folder} %s: %s is there, and no runs that it could be of; "+
				"choose another folder, since it would be written over", g.Folder, path)
		}
	}
	return nil
}

// lock keeps a second study out of the folder.
func (g *Study) lock() (unlock func() error, err error) {
	if err := os.MkdirAll(g.Folder, 0o755); err != nil {
		return nil, field.Errorf("{experiment.Folder}: %w", err)
	}
	l, err := atomicfile.TakeLock(filepath.Join(g.Folder, "lock"))
	if held := (*atomicfile.Held)(nil); errors.As(err, &held) {
		return nil, field.Errorf("{experiment.Folder} %s is in use by process %s; wait for it, or choose another folder",
			g.Folder, held.Process)
	}
	if err != nil {
		return nil, err
	}
	return l.Release, nil
}

// run trains and evaluates all arms, seed by seed, going on where it stopped,
// and has the results written. Runs that failed are an error, in the end.
func (g *Study) run(ctx context.Context, write func(took time.Duration) error) (err error) {
	start := time.Now()
	if err := g.check(); err != nil {
		return err
	}
	there := outfile.Exists(g.Folder)
	unlock, err := g.lock()
	if err != nil {
		return err
	}
	defer func() {
		if err = errors.Join(err, unlock()); !there {
			os.Remove(g.Folder) // if it is empty
		}
	}()
	if err := g.sameRuns(); err != nil {
		return err
	}
	for seed := range g.Seeds {
		for i := range g.arms {
			if g.skip != nil && g.skip(seed, i) {
				continue
			}
			fmt.Fprintf(g.Log, "--- seed %d of %d: %s\n", seed+1, g.Seeds, g.arms[i].Name)
			c := g.configOf(i, seed)
			if err := g.settled(ctx, &g.arms[i], c.Seed, g.addTo(ctx, i, c)); err != nil {
				return err
			}
		}
	}
	if err := write(time.Since(start)); err != nil {
		return err
	}
	if g.failed > 0 {
		return fmt.Errorf("%d of %d runs failed, the tables say why; the same command tries them once more", g.failed,
			g.tried)
	}
	return nil
}

// configOf is that of a seed of arm i.
func (g *Study) configOf(i, seed int) train.Config {
	c := g.arms[i].config
	c.Seed += uint64(seed)
	if g.varyData {
		c.Data.Seed += uint64(seed)
	}
	return c
}

// addTo trains and evaluates a run of arm i.
func (g *Study) addTo(ctx context.Context, i int, c train.Config) error {
	if g.add != nil {
		return g.add(ctx, i, c)
	}
	return g.arms[i].add(ctx, g.Log, g.Folder, c.Seed, g.ProbeEpochs)
}

// sameRuns refuses, before anything is trained, a folder with runs of other settings.
func (g *Study) sameRuns() error {
	for seed := range g.Seeds {
		for i, a := range g.arms {
			c := g.configOf(i, seed)
			if folder := a.folder(g.Folder, c.Seed); outfile.Exists(runfolder.Config(folder)) {
				if err := sameRun(folder, c); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// settled notes what became of a run. It returns the errors that end the study:
// an interruption, and a wrong command line as long as nothing was done.
func (g *Study) settled(ctx context.Context, a *arm, seed uint64, err error) error {
	g.tried++
	wrong := errors.As(err, new(usage.Error)) && g.tried == 1
	switch {
	case err == nil:
		return nil
	case wrong, errors.Is(err, context.Canceled), ctx.Err() != nil:
		return err
	}
	g.failed++
	reason := strings.Join(strings.Fields(field.Say(g.Log, err)), " ")
	a.Failed = append(a.Failed, failure{seed, reason})
	fmt.Fprintf(g.Log, "failed: %s, seed %d: %s; the others are run all the same\n", a.Name, seed, reason)
	return nil
}
