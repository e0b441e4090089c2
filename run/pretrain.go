package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/icl-msr/icl-msr/datasets"
	"github.com/icl-msr/icl-msr/internal/libtorch"
	"github.com/icl-msr/icl-msr/internal/progress"
	"github.com/icl-msr/icl-msr/internal/runfolder"
	"github.com/icl-msr/icl-msr/meta"
	"github.com/icl-msr/icl-msr/nets"
)

func pretrain(ctx context.Context, p program, args []string) error {
	out, resume := "", false
	c, err := settle(p, "pretrain", args, func(f *pflag.FlagSet) {
		f.StringVar(&out, "out", "", "run folder (default runs/METHOD-DATASET-seedN)")
		f.BoolVar(&resume, "resume", false, "go on with the run in --out")
	})
	if err != nil {
		return err
	}
	if out == "" {
		name := c.Method
		if c.MSR {
			name += "+msr"
		}
		out = fmt.Sprintf("runs/%s-%s-seed%d", name, c.Dataset, c.Seed)
	}
	_, err = train(ctx, p.stderr, c, out, resume)
	return err
}

// train runs a configuration in folder out and returns the last epoch's
// figures.
func train(ctx context.Context, w io.Writer, c config, out string, resume bool) (last meta.Epoch, err error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := setThreads(c.Threads); err != nil {
		return last, err
	}
	ds, err := c.openPart(true, c.Unlabelled)
	if err != nil {
		return last, err
	}
	s := libtorch.NewScope()
	defer s.Close()
	st, err := c.state(s, ds.Len())
	if err != nil {
		return last, err
	}
	if err := trainable(w, st.Backbone); err != nil {
		return last, err
	}
	src, err := c.source(w, ds, st.Views())
	if err != nil {
		return last, err
	}
	schedule := c.schedule(src.Steps())
	if err := schedule.Validate(); err != nil {
		return last, usage{err}
	}
	if c.Initial.File != "" && !(resume && exists(runfolder.Last(out))) {
		if err := c.initialise(w, st, true); err != nil {
			return last, err
		}
	}
	folder, err := runfolder.Open(out, runfolder.Options{Config: c, Resume: resume, Free: free()})
	if err != nil {
		return last, err
	}
	defer folder.Close()
	if resume {
		if err := takeUp(folder, st); err != nil {
			return last, err
		}
	}
	announce(w, c, st, ds, out)
	start := time.Now()
	shown := newShow(w, c, src.Steps(), st.Position)
	defer shown.Done()
	keep := saver{path: runfolder.Last(out), config: c, state: st, saved: start}
	err = (&meta.Trainer{State: st, Config: c.msr(), Schedule: schedule, Source: src, Hooks: []meta.Hook{
		shown.hook(),
		{OnEpoch: func(st *meta.State, e meta.Epoch) error {
			last = e
			line := epochLine{Epoch: e}
			if c.EvalEvery > 0 && st.Position.Epoch%c.EvalEvery == 0 {
				if err := line.evaluate(ctx, st, c); err != nil {
					return err
				}
				shown.Line(line.String())
			}
			if err := folder.Metric(line); err != nil {
				return err
			}
			if c.SaveEvery > 0 && st.Position.Epoch%c.SaveEvery == 0 {
				if err := save(runfolder.Checkpoint(out, st.Position.Epoch), c, st); err != nil {
					return err
				}
			}
			return keep.now()
		}, OnStep: func(meta.Step) error { return keep.when(time.Now()) }},
		{OnEnd: func(st *meta.State, err error) error {
			if !errors.Is(err, context.Canceled) {
				return nil
			}
			fmt.Fprintf(w, "interrupted at epoch %d, batch %d: saved; go on with --resume\n", st.Position.Epoch, st.Position.Batch)
			return keep.now()
		}},
	}}).Run(ctx)
	if err == nil {
		fmt.Fprintf(w, "trained in %s: %s\n", seconds(time.Since(start)), runfolder.Last(out))
	}
	return last, err
}

// epochLine is a line of metrics.jsonl.
type epochLine struct {
	meta.Epoch
	Evaluation []score `json:"evaluation,omitempty"` // of --eval-every
}

// evaluate scores the backbone as it is, frozen.
func (l *epochLine) evaluate(ctx context.Context, st *meta.State, c config) (err error) {
	o := defaultEval()
	o.Linear.Epochs, o.Threads, o.Device = c.EvalProbe, c.Threads, c.Device
	return libtorch.With(func(s *libtorch.Scope) error {
		l.Evaluation, err = evaluateState(ctx, s, st, c, o)
		return err
	})
}

// String tells the scores for people.
func (l *epochLine) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "evaluation after epoch %d:", l.Epoch.Epoch+1)
	for _, s := range l.Evaluation {
		fmt.Fprintf(&b, "  %s: linear %.2f%%, 5-NN %.2f%%", s.Variant, 100*s.Linear.Top1, 100*s.KNN)
	}
	return b.String()
}

// saver keeps a run's newest checkpoint.
type saver struct {
	path   string
	config config
	state  *meta.State
	saved  time.Time // when it was last written
}

func (v *saver) now() error {
	v.saved = time.Now()
	return save(v.path, v.config, v.state)
}

// when saves if --save-after has passed at t.
func (v *saver) when(t time.Time) error {
	if v.config.SaveAfter <= 0 || t.Sub(v.saved) < v.config.SaveAfter {
		return nil
	}
	return v.now()
}

// takeUp restores the newest checkpoint; without one the run starts anew.
func takeUp(folder *runfolder.Folder, st *meta.State) error {
	k, err := load(runfolder.Last(folder.Dir))
	if errors.Is(err, fs.ErrNotExist) {
		return folder.KeepMetrics(0)
	}
	if err != nil {
		return fmt.Errorf("--resume: %w; remove it to start anew, or copy an older checkpoint there", err)
	}
	if err := k.restore(st); err != nil {
		return fmt.Errorf("--resume: %w", err)
	}
	return folder.KeepMetrics(st.Position.Epoch)
}

func announce(w io.Writer, c config, st *meta.State, ds datasets.Dataset, out string) {
	name := c.Method
	if st.MSR != nil {
		name += fmt.Sprintf("+MSR (lambda %g, gamma %g, n %d, %s, %s", c.Lambda, c.Gamma, c.Weights, c.Space, c.MetaGrad)
		if c.Ablation != string(meta.NoAblation) {
			name += ", ablation " + c.Ablation
		}
		name += ")"
	}
	fmt.Fprintf(w, "%s on %s: %d pictures of %d classes; %s width %g, %.2f M parameters; %d epochs of batch %d, seed %d, %d threads, %s -> %s\n",
		name, ds.Name(), ds.Len(), len(ds.Classes()), c.Arch, c.Width, float64(nets.Count(st.Params()))/1e6, c.Epochs, c.BatchSize, c.Seed, libtorch.Threads(), c.Device, out)
	if st.Position.Step > 0 {
		fmt.Fprintf(w, "resumed at epoch %d, batch %d\n", st.Position.Epoch, st.Position.Batch)
	}
}

// show is a run's progress.
type show struct {
	*progress.Progress
	c config
}

func newShow(w io.Writer, c config, steps int, at meta.Position) show {
	total := c.Epochs * steps
	if m := c.msr(); c.MSR && m.Trains() {
		total += c.Epochs * ((steps + c.MetaEvery - 1) / c.MetaEvery)
	}
	return show{progress.New(w, "", total, at.Step+at.MetaSteps), c}
}

func (v show) hook() meta.Hook {
	return meta.Hook{
		OnStep: func(s meta.Step) error {
			pass := ""
			if s.Pass == meta.MetaPass {
				pass = " meta"
			}
			v.Step(s.Pictures, fmt.Sprintf("epoch %d/%d%s loss %.4f", s.Epoch+1, s.Epochs, pass, s.Loss))
			return nil
		},
		OnEpoch: func(_ *meta.State, e meta.Epoch) error {
			line := fmt.Sprintf("epoch %d/%d  loss %.4f  lr %.2e  %.0f images/s  %.1f s", e.Epoch+1, v.c.Epochs, e.LTo, e.LR, e.ImagesPerSecond, e.SecondsRegular)
			if v.c.MSR {
				line += fmt.Sprintf(" + %.1f s meta  L_ct %.4f  L_msr %.4f  L_uni %.4f  |g_ct| %.2e  |g_uni| %.2e", e.SecondsMeta, e.LCt, e.LMsr, e.LUni, e.NormMeta, e.NormUniformity)
			}
			v.Line(line)
			return nil
		},
	}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
