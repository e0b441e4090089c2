package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/icl-msr/icl-msr/internal/atomicfile"
	"github.com/icl-msr/icl-msr/internal/runfolder"
	"github.com/icl-msr/icl-msr/meta"
)

// arm is one of the things the demo compares.
type arm struct {
	Name   string
	config config
	Runs   []armRun
}

// armRun is what one seed of an arm gave.
type armRun struct {
	Seed    uint64       `json:"seed"`
	Scores  []score      `json:"scores"`
	Metrics []meta.Epoch `json:"metrics"`
	folder  string
}

func demo(ctx context.Context, p program, args []string) error {
	f := flags(p, "demo", "[flags]")
	out := f.String("out", "runs/demo", "folder of the page and of the runs")
	seeds := f.Int("seeds", 3, "paired seeds of each arm")
	epochs := f.Int("epochs", 6, "epochs of each run")
	count := f.Int("count", 3200, "training pictures")
	correlation := f.Float64("correlation", 0.3, "share of pictures whose background is their class's")
	every := f.Int("meta-every", 4, "meta step on every K-th batch; 1 is the paper")
	ablations := f.StringSlice("ablations", []string{string(meta.Ones)}, "also compare these --msr-ablation settings")
	threads := f.Int("threads", 0, "threads of an operation (0: all cores)")
	if err := parse(f, args); err != nil {
		return err
	}
	if *seeds < 1 || *epochs < 1 {
		return usagef("--seeds %d --epochs %d: want 1 or more", *seeds, *epochs)
	}
	c := defaults()
	for _, q := range presets() {
		if q.name == "cpu" {
			q.apply(&c)
		}
	}
	c.Epochs, c.Count, c.Correlation, c.MetaEvery, c.Threads, c.Warmup = *epochs, *count, *correlation, *every, *threads, 25
	arms, err := demoArms(c, *ablations)
	if err != nil {
		return err
	}
	start := time.Now()
	for seed := range *seeds {
		for i := range arms {
			fmt.Fprintf(p.stderr, "--- seed %d of %d: %s\n", seed+1, *seeds, arms[i].Name)
			if err := arms[i].add(ctx, p.stderr, *out, uint64(seed)); err != nil {
				return err
			}
		}
	}
	took := time.Since(start)
	if err := writeJSON(filepath.Join(*out, "demo.json"), arms); err != nil {
		return err
	}
	doc, err := demoPage(ctx, arms, took)
	if err != nil {
		return err
	}
	path := filepath.Join(*out, "index.html")
	if err := atomicfile.Write(path, doc.Write); err != nil {
		return err
	}
	for _, t := range doc.Sections[0].Tables {
		fmt.Fprintf(p.stdout, "\n%s\n", t.Caption)
		for _, row := range append([][]string{t.Head}, t.Rows...) {
			fmt.Fprintf(p.stdout, "  %-28s %s\n", row[0], strings.Join(pad(row[1:], 16), " "))
		}
	}
	fmt.Fprintf(p.stdout, "\n%s in %s: %s\n", "done", seconds(took), path)
	return nil
}

func pad(words []string, n int) []string {
	out := make([]string, len(words))
	for i, w := range words {
		out[i] = fmt.Sprintf("%*s", n, w)
	}
	return out
}

// demoArms are SimCLR, SimCLR+MSR, and the ablations asked for.
func demoArms(c config, ablations []string) ([]arm, error) {
	arms := []arm{{Name: "SimCLR", config: c}}
	c.MSR = true
	arms = append(arms, arm{Name: "SimCLR+MSR", config: c})
	for _, a := range ablations {
		if a == "" || a == string(meta.NoAblation) {
			continue
		}
		d := c
		d.Ablation = a
		m := d.msr()
		if err := m.Validate(); err != nil {
			return nil, usagef("--ablations: %w", err)
		}
		arms = append(arms, arm{Name: "MSR, " + a, config: d})
	}
	return arms, nil
}

// add trains and evaluates one seed, or takes up what an earlier demo left.
func (a *arm) add(ctx context.Context, w io.Writer, out string, seed uint64) error {
	c := a.config
	c.Seed = seed
	r := armRun{Seed: seed, folder: filepath.Join(out, fmt.Sprintf("%s-seed%d", slug(a.Name), seed))}
	_, err := train(ctx, w, c, r.folder, exists(runfolder.Config(r.folder)))
	if err != nil {
		return err
	}
	if r.Metrics, err = readMetrics(r.folder); err != nil {
		return err
	}
	scoresPath := filepath.Join(r.folder, "scores.json")
	if data, err := os.ReadFile(scoresPath); err == nil && json.Unmarshal(data, &r.Scores) == nil && len(r.Scores) > 0 {
		a.Runs = append(a.Runs, r)
		return nil
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	k, err := load(runfolder.Last(r.folder))
	if err != nil {
		return err
	}
	o := defaultEval()
	o.Threads, o.Linear.Epochs = c.Threads, 200
	if r.Scores, err = evaluateCheckpoint(ctx, k, o); err != nil {
		return err
	}
	a.Runs = append(a.Runs, r)
	return writeJSON(scoresPath, r.Scores)
}

func slug(name string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune(" ,", r) {
			return '-'
		}
		return r
	}, strings.ToLower(strings.ReplaceAll(name, ", ", "-")))
}

func writeJSON(path string, v any) error {
	return atomicfile.Write(path, func(w io.Writer) error {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(v)
	})
}

func readMetrics(folder string) ([]meta.Epoch, error) {
	f, err := os.Open(runfolder.Metrics(folder))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var out []meta.Epoch
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		var e meta.Epoch
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			return nil, fmt.Errorf("%s: %w", f.Name(), err)
		}
		out = append(out, e)
	}
	return out, lines.Err()
}

// accuracies returns one number for each seed.
func (a arm) accuracies(variant int, of func(score) float64) []float64 {
	out := make([]float64, len(a.Runs))
	for i, r := range a.Runs {
		out[i] = 100 * of(r.Scores[variant])
	}
	return out
}

func linearTop1(s score) float64 { return s.Linear.Top1 }
func knn(s score) float64        { return s.KNN }
