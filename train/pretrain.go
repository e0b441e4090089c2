package train

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strconv"
	"time"

	"github.com/icl-msr/icl-msr/datasets"
	"github.com/icl-msr/icl-msr/dist"
	"github.com/icl-msr/icl-msr/internal/runfolder"
	"github.com/icl-msr/icl-msr/internal/usage"
	"github.com/icl-msr/icl-msr/meta"
	"github.com/icl-msr/icl-msr/nets"
	"github.com/icl-msr/icl-msr/torch"
)

// Pretrain runs a configuration in folder out, in this process, and returns the
// last epoch's figures.
func Pretrain(ctx context.Context, w io.Writer, c Config, out string, resume bool) (meta.Epoch, error) {
	return PretrainIn(ctx, nil, w, c, out, resume)
}

// ready is what training needs, on each rank.
type ready struct {
	ds       datasets.Dataset
	state    *meta.State
	source   source
	schedule nets.Schedule
}

func (c *Config) prepare(ctx context.Context, s *torch.Scope, w io.Writer, job *dist.Job) (r ready, err error) {
	if err := SetThreads(c.Threads); err != nil {
		return r, err
	}
	if r.ds, err = c.OpenPart(true, c.Data.Unlabelled); err != nil {
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
	b, scripted := r.state.Backbone.(*nets.Scripted)
	if scripted && job != nil && c.SyncBatchNorm && len(b.Buffers()) > 0 && b.AlwaysRunning() == 0 {
		return r, usage.Errorf("{train.Arch} %s: a TorchScript backbone with batch norms cannot train in several "+
			"processes, since they see the pictures of one process only; give {train.SyncBatchNorm}=false if that is what "+
			"you want, train it in one, or trace it after .eval()", c.Arch)
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
		return r, usage.Wrap(err)
	}
	return r, nil
}

func (r ready) trainer(c Config, g *torch.Group, hooks ...meta.Hook) *meta.Trainer {
	return &meta.Trainer{State: r.state, Config: c.Meta(), Schedule: r.schedule, Source: r.source, Group: g,
		LocalNorm:  !c.SyncBatchNorm,
		MicroBatch: c.MicroBatch, Recompute: c.Recompute, Hooks: hooks}
}

// PretrainIn is train as a rank of a job: rank 0 has the folder, and speaks.
func PretrainIn(
	ctx context.Context, job *dist.Job, w io.Writer, c Config, out string, resume bool,
) (last meta.Epoch, err error) {
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
		fmt.Fprintf(w, "%d processes, %d pictures of a step on each, %d threads each, %s\n", job.Size, c.BatchSize/job.Size,
			torch.Threads(), c.norms())
	}
	start := time.Now()
	shown := newShow(w, c, src.Steps(), st.Position)
	defer shown.Done()
	keep := saver{path: runfolder.Last(out), config: c, state: st, saved: start}
	warn := w // the first evaluation tells which pictures cannot be read
	evaluate := func(line EpochLine) error {
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
			line := EpochLine{Epoch: e}
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
			fmt.Fprintf(w, "interrupted at epoch %d, batch %d: saved; go on with --resume\n", st.Position.Epoch,
				st.Position.Batch)
			return nil
		}},
	).Run(ctx)
	err = sayWhatIsKept(c.Explain(err, c.room(job.Ranks().Size())), out)
	if job != nil && !errors.Is(err, context.Canceled) {
		err = job.Explain(err)
	}
	if err == nil {
		fmt.Fprintf(w, "trained in %s: %s\n", Seconds(time.Since(start)), runfolder.Last(out))
	}
	return last, err
}

// follow trains as a rank other than 0.
func follow(ctx context.Context, job *dist.Job, c Config, r ready) error {
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
	wait := meta.Hook{OnEpoch: func(st *meta.State,
		_ meta.Epoch) error {
		return job.Await(strconv.Itoa(st.Position.Epoch))
	}}
	err := c.Explain(r.trainer(c, job.Group, wait).Run(ctx), c.room(job.Size))
	if errors.Is(err, context.Canceled) {
		return err
	}
	return job.Explain(err)
}
