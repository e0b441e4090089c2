package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strconv"
	"time"

	"github.com/spf13/pflag"

	"github.com/icl-msr/icl-msr/datasets"
	"github.com/icl-msr/icl-msr/dist"
	"github.com/icl-msr/icl-msr/internal/progress"
	"github.com/icl-msr/icl-msr/internal/runfolder"
	"github.com/icl-msr/icl-msr/meta"
	"github.com/icl-msr/icl-msr/model"
	"github.com/icl-msr/icl-msr/nets"
	"github.com/icl-msr/icl-msr/torch"
)

func pretrain(ctx context.Context, p program, args []string) error {
	out, resume := "", false
	var jf jobFlags
	c, err := settle(p, "pretrain", args, func(f *pflag.FlagSet) {
		f.StringVar(&out, "out", "", "run folder (default runs/METHOD-DATASET-seedN)")
		f.BoolVar(&resume, "resume", false, "go on with the run in --out")
		jf.bind(f)
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
	place, spawn, err := jf.place(c.Device)
	if err != nil {
		return err
	}
	if spawn {
		return jf.spawn(ctx, p, args)
	}
	dist.Follow()
	job, err := jf.join(ctx, place, &c)
	if err != nil {
		return err
	}
	defer job.Close()
	_, err = trainIn(ctx, job, p.stderr, c, out, resume || place.Restarted && runfolder.Holds(out))
	return interruptedHere(ctx, err)
}

// train runs a configuration in folder out, in this process, and returns the
// last epoch's figures.
func train(ctx context.Context, w io.Writer, c config, out string, resume bool) (meta.Epoch, error) {
	return trainIn(ctx, nil, w, c, out, resume)
}

// ready is what training needs, on each rank.
type ready struct {
	ds       datasets.Dataset
	state    *meta.State
	source   source
	schedule nets.Schedule
}

func (c *config) prepare(ctx context.Context, s *torch.Scope, w io.Writer, job *dist.Job) (r ready, err error) {
	if err := setThreads(c.Threads); err != nil {
		return r, err
	}
	if r.ds, err = c.openPart(true, c.Unlabelled); err != nil {
		return r, err
	}
	if job.Leads() {
		if err := c.lookAhead(w, r.ds); err != nil {
			return r, err
		}
	}
	if r.state, err = c.trained(s, r.ds.Len()); err != nil {
		return r, err
	}
	if err := trainable(w, r.state.Backbone); err != nil {
		return r, err
	}
	if b, ok := r.state.Backbone.(*nets.Scripted); ok && job != nil && c.SyncBatchNorm && len(b.Buffers()) > 0 && b.AlwaysRunning() == 0 {
		return r, usagef("--arch %s: a TorchScript backbone with batch norms cannot train in several processes, since they see the pictures of one process only; give --sync-batch-norm=false if that is what you want, train it in one, or trace it after .eval()", c.Arch)
	}
	g := job.Ranks()
	if r.source, err = c.source(ctx, s, w, r.ds, r.state.Views(), g.Rank(), g.Size()); err != nil {
		return r, err
	}
	if job.Leads() {
		tellDropped(w, r.ds.Len(), c.BatchSize)
	}
	r.schedule = c.schedule(r.source.Steps())
	if err := r.schedule.Validate(); err != nil {
		return r, usage{err}
	}
	return r, nil
}

func (r ready) trainer(c config, g *torch.Group, hooks ...meta.Hook) *meta.Trainer {
	return &meta.Trainer{State: r.state, Config: c.msr(), Schedule: r.schedule, Source: r.source, Hooks: hooks,
		Exec: model.Exec{Group: g, SyncBatchNorm: c.SyncBatchNorm, MicroBatch: c.MicroBatch, Recompute: c.Recompute}}
}

// trainIn is train as a rank of a job: rank 0 has the folder, and speaks.
func trainIn(ctx context.Context, job *dist.Job, w io.Writer, c config, out string, resume bool) (last meta.Epoch, err error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if c.Recompute {
		torch.ReturnMemory()
	}
	s := torch.NewScope()
	defer s.Close()
	r, err := c.prepare(ctx, s, w, job)
	defer func() { datasets.Close(r.ds) }()
	if err := job.Agree(err); err != nil {
		return last, err
	}
	data, err := look(job, r.ds)
	if err != nil {
		return last, err
	}
	if !job.Leads() {
		return last, follow(ctx, job, c, r)
	}
	ds, st, src := r.ds, r.state, r.source
	folder, missing, err := open(w, out, c, resume, r, data)
	if err := job.Agree(err); err != nil {
		return last, err
	}
	defer folder.Close()
	if err := st.Share(job.Ranks()); err != nil {
		return last, job.Explain(err)
	}
	announce(w, c, st, ds, out)
	tellWarmup(w, r.schedule)
	fmt.Fprintln(w, src.place)
	if job != nil {
		fmt.Fprintf(w, "%d processes, %d pictures of a step on each, %d threads each, %s\n", job.Size, c.BatchSize/job.Size, torch.Threads(), c.norms())
	}
	start := time.Now()
	shown := newShow(w, c, src.Steps(), st.Position)
	defer shown.Done()
	keep := saver{path: runfolder.Last(out), config: c, state: st, saved: start}
	warn := w // the first evaluation tells which pictures cannot be read
	evaluate := func(line epochLine) error {
		if err := line.evaluate(ctx, warn, st, c); err != nil {
			return lateEvaluation(err)
		}
		warn = nil
		shown.Line(line.String())
		return folder.Amend(line)
	}
	if missing != nil {
		if err := evaluate(*missing); err != nil {
			return last, err
		}
	}
	if err := job.Done(strconv.Itoa(st.Position.Epoch)); err != nil {
		return last, err
	}
	err = r.trainer(c, job.Ranks(),
		shown.hook(),
		meta.Hook{OnEpoch: func(st *meta.State, e meta.Epoch) error {
			last = e
			line := epochLine{Epoch: e}
			if err := folder.Metric(line); err != nil {
				return err
			}
			if err := keep.now(); err != nil {
				return err
			}
			if err := saveNumbered(out, c, st, true); err != nil {
				return err
			}
			if c.evaluates(st.Position.Epoch) {
				if err := evaluate(line); err != nil {
					return err
				}
			}
			return job.Done(strconv.Itoa(st.Position.Epoch))
		}, OnStep: func(meta.Step) error { return keep.step(ctx, shown.Line) }},
		meta.Hook{OnEnd: func(st *meta.State, err error) error {
			if !errors.Is(err, context.Canceled) {
				return nil
			}
			if err := keep.now(); err != nil {
				return err
			}
			fmt.Fprintf(w, "interrupted at epoch %d, batch %d: saved; go on with --resume\n", st.Position.Epoch, st.Position.Batch)
			return nil
		}},
	).Run(ctx)
	err = sayWhatIsKept(c.explain(err, c.room(job.Ranks().Size())), out)
	if job != nil && !errors.Is(err, context.Canceled) {
		err = job.Explain(err)
	}
	if err == nil {
		fmt.Fprintf(w, "trained in %s: %s\n", seconds(time.Since(start)), runfolder.Last(out))
	}
	return last, err
}

// follow trains as a rank other than 0.
func follow(ctx context.Context, job *dist.Job, c config, r ready) error {
	if err := job.Agree(nil); err != nil { // rank 0's folder
		return err
	}
	if err := r.state.Share(job.Group); err != nil {
		return job.Explain(err)
	}
	// Rank 0 evaluates and saves after an epoch, for as long as it takes; taking up a run, also before the first.
	if err := job.Await(strconv.Itoa(r.state.Position.Epoch)); err != nil {
		return err
	}
	wait := meta.Hook{OnEpoch: func(st *meta.State, _ meta.Epoch) error { return job.Await(strconv.Itoa(st.Position.Epoch)) }}
	err := c.explain(r.trainer(c, job.Group, wait).Run(ctx), c.room(job.Size))
	if errors.Is(err, context.Canceled) {
		return err
	}
	return job.Explain(err)
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
		name, ds.Name(), ds.Len(), len(ds.Classes()), c.Arch, c.Width, float64(nets.Count(st.Params()))/1e6, c.Epochs, c.BatchSize, c.Seed, torch.Threads(), c.Device, out)
	tellDevice(w, c.machine)
	if st.Position.Step > 0 {
		fmt.Fprintf(w, "resumed at epoch %d, batch %d\n", st.Position.Epoch, st.Position.Batch)
	}
}

// show is a run's progress.
type show struct {
	*progress.Progress
	c        config
	collapse *collapse
}

func newShow(w io.Writer, c config, steps int, at meta.Position) show {
	total := c.Epochs * steps
	if m := c.msr(); c.MSR && m.Trains() {
		total += c.Epochs * ((steps + c.MetaEvery - 1) / c.MetaEvery)
	}
	return show{progress.New(w, "", total, at.Step+at.MetaSteps), c, &collapse{}}
}

func (v show) hook() meta.Hook {
	return meta.Hook{
		OnStep: func(s meta.Step) error {
			pass := ""
			if s.Phase == meta.MetaPhase {
				pass = " meta"
			}
			v.Step(s.Pictures, fmt.Sprintf("epoch %d/%d%s loss %.4f", s.Epoch+1, s.Epochs, pass, s.Loss))
			return nil
		},
		OnEpoch: func(st *meta.State, e meta.Epoch) error {
			line := fmt.Sprintf("epoch %d/%d  loss %.4f  lr %.2e  %.0f images/s  %.1f s", e.Epoch+1, v.c.Epochs, e.LTo, e.LR, e.ImagesPerSecond, e.SecondsRegular)
			if v.c.MSR {
				line += fmt.Sprintf(" + %.1f s meta  L_ct %.4f  L_msr %.4f  L_uni %.4f  |g_ct| %.2e  |g_uni| %.2e", e.SecondsMeta, e.LCt, e.LMsr, e.LUni, e.NormMeta, e.NormUniformity)
			}
			v.Line(line)
			if word := v.collapse.word(st.Method, v.c.BatchSize, e); word != "" {
				v.Line(word)
			}
			return nil
		},
	}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
