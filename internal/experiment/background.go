package experiment

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/icl-msr/icl-msr/internal/runfolder"
	"github.com/icl-msr/icl-msr/internal/usage"
	"github.com/icl-msr/icl-msr/interventions"
	"github.com/icl-msr/icl-msr/train"
)

// Background measures how much a method relies on backgrounds: alone, with MSR, with MSR's ablations, and with each
// intervention (docs/background.md).
type Background struct {
	Study
	Arms        []string      // names from BackgroundArms; the method is always run
	Slice       time.Duration // time after which no further run begins; 0: no limit
	found       [][]backgroundRun
	begun       time.Time
	trainedHere bool // this call has trained a run
}

// backgroundRun holds the results of one seed of an arm.
type backgroundRun struct {
	seed  uint64
	score train.BackgroundScore
}

// Run runs the arms. Each arm changes c only in what defines the arm.
func (g *Background) Run(ctx context.Context, c train.Config) (err error) {
	if err := g.refuse(c); err != nil {
		return err
	}
	if err := c.CheckBackground(); err != nil {
		return usage.Wrap(err)
	}
	if g.arms, err = backgroundArms(c, g.Arms); err != nil {
		return err
	}
	g.found, g.begun = make([][]backgroundRun, len(g.arms)), time.Now()
	g.varyData, g.add, g.skip = true, g.measure, g.leaveOut
	return g.run(ctx, g.report)
}

// refuse returns an error if c has a setting that the arms themselves vary.
func (g *Background) refuse(c train.Config) error {
	switch {
	case len(c.Intervene.Names) > 0:
		return usage.Errorf("{interventions.Names}: each intervention is an arm of the study; choose by {experiment.Arms}")
	case c.UseMSR:
		return usage.Errorf("{train.UseMSR}: arms without MSR and with it are compared; choose by {experiment.Arms}")
	case g.Slice < 0:
		return usage.Errorf("{experiment.Slice} %v: want 0 or more", g.Slice)
	}
	all := c.Intervene
	if all.Names = interventions.Names(); all.Validate() != nil {
		return usage.Wrap(all.Validate())
	}
	return nil
}

// leaveOut reports whether a run is left out, either because the sequential rule has decided about its arm or because
// the time is over.
func (g *Background) leaveOut(seed, i int) bool {
	if g.Slice > 0 && g.trainedHere && time.Since(g.begun) > g.Slice {
		return true
	}
	if i > 0 {
		return g.decision(i) != undecided
	}
	for k := 1; k < len(g.arms); k++ { // the method is every arm's partner, so it runs as long as any arm does
		if g.decision(k) == undecided {
			return false
		}
	}
	return len(g.arms) > 1 && seed > 0
}

// measure trains and measures one seed of arm i. If an earlier program has done so, measure reads its results.
func (g *Background) measure(ctx context.Context, i int, c train.Config) error {
	a := &g.arms[i]
	r := armRun{Seed: c.Seed, folder: a.folder(g.Folder, c.Seed)}
	path := filepath.Join(r.folder, "background.json")
	score, done, err := readBackground(path, g.ProbeEpochs)
	if err != nil {
		return err
	}
	if done {
		if err := sameRun(r.folder, c); err != nil {
			return err
		}
		fmt.Fprintf(g.Log, "done before: %s\n", path)
	} else if score, err = g.score(ctx, r.folder, c); err != nil {
		return err
	} else if err := writeJSON(path, score); err != nil {
		return err
	}
	if r.Metrics, err = train.ReadMetrics(r.folder); err != nil {
		return err
	}
	a.Runs = append(a.Runs, r)
	g.found[i] = append(g.found[i], backgroundRun{c.Seed, score})
	if d := g.decision(i); i > 0 && d != undecided {
		fmt.Fprintf(g.Log, "%s needs no further pair: %s\n", a.Name, d)
	}
	return nil
}

// readBackground reads the score that an earlier program left. done is false if its probes were trained for another
// number of epochs.
func readBackground(path string, probeEpochs int) (score train.BackgroundScore, done bool, err error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return score, false, nil
	}
	if err != nil {
		return score, false, err
	}
	done = json.Unmarshal(data, &score) == nil && score.ProbeEpochs == probeEpochs
	return score, done, nil
}

func (g *Background) score(
	ctx context.Context, folder string, c train.Config,
) (score train.BackgroundScore, err error) {
	g.trainedHere = true
	if _, err := train.Pretrain(ctx, g.Log, c, folder, runfolder.Holds(folder)); err != nil {
		return score, err
	}
	k, err := train.Load(runfolder.Last(folder))
	if err != nil {
		return score, err
	}
	if err := k.Diverged(); err != nil {
		return score, err
	}
	o := train.DefaultEval()
	o.Threads, o.Machine, o.Warn = c.Threads, c.Machine, g.Log
	return train.ScoreBackground(ctx, k, o, g.ProbeEpochs)
}

// outcome is a figure of a run, in percent or in percentage points.
type outcome struct {
	name string
	of   func(train.BackgroundScore) float64
}

// outcomes lists the study's outcomes. The primary outcome is the first one.
func outcomes() []outcome {
	percent := func(of func(train.BackgroundScore) float64) func(train.BackgroundScore) float64 {
		return func(b train.BackgroundScore) float64 { return 100 * of(b) }
	}
	return []outcome{
		{"foreground share", percent(func(b train.BackgroundScore) float64 {
			if b.Foreground == nil || b.Foreground.Embedding == nil {
				return math.NaN()
			}
			return b.Foreground.Embedding.Share
		})},
		{"gap", gap},
		{"full", percent(func(b train.BackgroundScore) float64 { return b.Full })},
		{"new background", percent(func(b train.BackgroundScore) float64 { return b.New })},
		{"new background, decorrelated probe", percent(func(b train.BackgroundScore) float64 { return b.Decorrelated })},
		{"new background, 5-NN", percent(func(b train.BackgroundScore) float64 { return b.KNN })},
		{"gray", percent(func(b train.BackgroundScore) float64 { return b.Gray })},
	}
}

// gap is the accuracy on full pictures minus the accuracy on new backgrounds, in percentage points.
func gap(b train.BackgroundScore) float64 { return 100 * (b.Full - b.New) }

// outcomeNamed returns the outcome with this name.
func outcomeNamed(name string) outcome {
	all := outcomes()
	return all[slices.IndexFunc(all, func(o outcome) bool { return o.name == name })]
}

// values returns an outcome of arm i for each seed that has it.
func (g *Background) values(i int, o outcome) (out []float64) {
	for _, r := range g.found[i] {
		if v := o.of(r.score); !math.IsNaN(v) {
			out = append(out, v)
		}
	}
	return out
}
