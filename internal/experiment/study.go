// Package experiment trains and evaluates many runs, and reports the results in tables and on a page. "The paper" is
// arXiv:2206.14702.
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

// Study is a list of arms that are trained, evaluated and put into tables and on a page. Differences are to the first
// arm. If a run fails, the others are still run.
type Study struct {
	Title              string
	Folder             string // of the runs, the tables and the page
	Seeds, ProbeEpochs int
	Tables, Log        io.Writer // for the tables, and for the progress of runs
	arms               []arm
	Baseline           bool // the others are compared with the first arm
	tried, failed      int  // counts of runs and of fine-tunings
	varyData           bool // the data's seed changes with the run's
	// add replaces arm.add, which trains and evaluates one seed of arm i. If add is nil, arm.add is used.
	add func(ctx context.Context, i int, c train.Config) error
	// skip reports whether a seed of arm i is left out. If skip is nil, no seed is.
	skip func(seed, i int) bool
}

// Configure returns the configuration that the user gave, with these flags over it.
type Configure func(flags ...string) (train.Config, error)

// check finds what is wrong with any of the arms before hours of training.
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

// vacant returns an error if the folder has a page or tables of something other than a study, because they would be
// lost.
func (g *Study) vacant() error {
	entries, _ := os.ReadDir(g.Folder) // if there is no folder, nothing can be lost
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

// run trains and evaluates all arms, seed by seed, and writes the results. It resumes where an earlier call stopped. If
// runs failed, run returns an error at the end.
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

// configOf returns the configuration of a seed of arm i.
func (g *Study) configOf(i, seed int) train.Config {
	c := g.arms[i].config
	c.Seed += uint64(seed)
	if g.varyData {
		c.Data.Seed += uint64(seed)
	}
	return c
}

// addTo trains and evaluates one run of arm i.
func (g *Study) addTo(ctx context.Context, i int, c train.Config) error {
	if g.add != nil {
		return g.add(ctx, i, c)
	}
	return g.arms[i].add(ctx, g.Log, g.Folder, c.Seed, g.ProbeEpochs)
}

// sameRuns returns an error, before anything is trained, if the folder has a run with other settings.
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

// settled records the outcome of a run. It returns only the errors that end the study: an interruption, and a usage
// error of the first run, since nothing is lost then.
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
