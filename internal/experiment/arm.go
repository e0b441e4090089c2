package experiment

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/icl-msr/icl-msr/internal/atomicfile"
	"github.com/icl-msr/icl-msr/internal/runfolder"
	"github.com/icl-msr/icl-msr/meta"
	"github.com/icl-msr/icl-msr/train"
)

// arm is one of the configurations that a study compares. It is run with several seeds.
type arm struct {
	Name   string
	row    string // of a grid's tables: a method or methods.WMSE2; "": the method
	config train.Config
	probe  string // variant of the pictures that the probe is trained on; "": the network's own
	Runs   []armRun
	Failed []failure `json:",omitempty"`
}

// armRun holds the results of one seed of an arm.
type armRun struct {
	Seed    uint64        `json:"seed"`
	Scores  []train.Score `json:"scores"`
	Metrics []meta.Epoch  `json:"metrics"`
	folder  string
	probe   string
}

// folder returns the folder of one seed's run.
func (a *arm) folder(out string, seed uint64) string {
	return filepath.Join(out, fmt.Sprintf("%s-seed%d", slug(a.Name), seed))
}

// add trains and evaluates one seed. If an earlier program has done so, add reads its results.
func (a *arm) add(ctx context.Context, w io.Writer, out string, seed uint64, probeEpochs int) error {
	c := a.config
	c.Seed = seed
	r := armRun{Seed: seed, folder: a.folder(out, seed), probe: a.probe}
	scoresPath := filepath.Join(r.folder, "scores.json")
	if a.probe != "" {
		scoresPath = filepath.Join(r.folder, "scores-probe-"+a.probe+".json")
	}
	data, err := os.ReadFile(scoresPath)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err == nil && json.Unmarshal(data, &r.Scores) == nil && r.scored(probeEpochs) {
		if err := sameRun(r.folder, c); err != nil {
			return err
		}
		fmt.Fprintf(w, "done before: %s\n", scoresPath)
	} else if err := r.run(ctx, w, c, probeEpochs, scoresPath); err != nil {
		return err
	}
	if r.Metrics, err = train.ReadMetrics(r.folder); err != nil {
		return err
	}
	a.Runs = append(a.Runs, r)
	return nil
}

// scored reports whether all evaluators have scored, and whether the linear probe was trained for probeEpochs.
func (r *armRun) scored(probeEpochs int) bool {
	return len(r.Scores) > 0 && r.Scores[0].ProbeEpochs == probeEpochs &&
		r.Scores[0].Has(train.DefaultEval().Evaluators)
}

// run trains and evaluates, and saves the scores.
func (r *armRun) run(ctx context.Context, w io.Writer, c train.Config, probeEpochs int, scoresPath string) error {
	if _, err := train.Pretrain(ctx, w, c, r.folder, runfolder.Holds(r.folder)); err != nil {
		return err
	}
	k, err := train.Load(runfolder.Last(r.folder))
	if err != nil {
		return err
	}
	if err := k.Diverged(); err != nil {
		return err
	}
	if r.probe != "" {
		k.Config.Variant = r.probe
	}
	o := train.DefaultEval()
	o.Threads, o.Evaluators.Linear().Epochs, o.Machine, o.Warn = c.Threads, probeEpochs, c.Machine, w
	if r.Scores, err = train.Evaluate(ctx, k, o); err != nil {
		return err
	}
	return writeJSON(scoresPath, r.Scores)
}

// sameRun returns an error if the run in the folder has another configuration.
func sameRun(folder string, c train.Config) error {
	f, err := runfolder.Open(folder, train.FolderOptions(c, true))
	if err != nil {
		return err
	}
	return f.Close()
}

func slug(name string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune(" ,", r) {
			return '-'
		}
		return r
	}, strings.ToLower(strings.ReplaceAll(name, ", ", "-")))
}

// writeText returns a function that writes t.
func writeText(t string) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := io.WriteString(w, t)
		return err
	}
}

func writeJSON(path string, v any) error {
	return atomicfile.Write(path, func(w io.Writer) error {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(v)
	})
}

// values returns a measure of each seed's run.
func (a arm) values(variant int, m measure) []float64 {
	out := make([]float64, len(a.Runs))
	for i, r := range a.Runs {
		out[i] = m.of(r.Scores[variant])
	}
	return out
}
