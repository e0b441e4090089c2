package train

import (
	"context"
	"errors"
	"io"
	"runtime"
	"strconv"

	"github.com/icl-msr/icl-msr/datasets"
	"github.com/icl-msr/icl-msr/dist"
	"github.com/icl-msr/icl-msr/internal/usage"
	"github.com/icl-msr/icl-msr/meta"
	"github.com/icl-msr/icl-msr/model"
	"github.com/icl-msr/icl-msr/nets"
	"github.com/icl-msr/icl-msr/torch"
)

// Pretrain trains a configuration in run folder out, in this process, and returns the last epoch's figures.
func Pretrain(ctx context.Context, w io.Writer, c Config, out string, resume bool) (meta.Epoch, error) {
	return PretrainIn(ctx, nil, w, c, out, resume)
}

// ready holds what training needs on each rank.
type ready struct {
	ds       datasets.Dataset
	state    *meta.State
	source   source
	schedule nets.Schedule
}

// prepare builds what training needs, and returns an error at once where training would meet one later.
func (c *Config) prepare(ctx context.Context, s *torch.Scope, w io.Writer, job *dist.Job) (r ready, err error) {
	if err := SetThreads(c.Threads); err != nil {
		return r, err
	}
	if err := c.Intervene.Validate(); err != nil {
		return r, usage.Wrap(err)
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
	if err := c.checkState(w, job, r.state); err != nil {
		return r, err
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

// checkState returns an error if the configuration asks for training that the method or the backbone does not allow.
func (c *Config) checkState(w io.Writer, job *dist.Job, st *meta.State) error {
	if err := trainable(w, st.Backbone); err != nil {
		return err
	}
	if err := c.checkNegatives(st.Method); err != nil {
		return err
	}
	return c.checkScriptedNorms(job, st.Backbone)
}

// checkScriptedNorms returns an error if batch norms cannot be synchronised because they are part of a TorchScript
// module.
func (c *Config) checkScriptedNorms(job *dist.Job, backbone nets.Encoder) error {
	b, scripted := backbone.(*nets.Scripted)
	if !scripted || job == nil || !c.SyncBatchNorm || len(b.Buffers()) == 0 || b.AlwaysRunning() > 0 {
		return nil
	}
	return usage.Errorf("{train.Arch} %s: a TorchScript backbone with batch norms cannot train in several "+
		"processes, since they see the pictures of one process only; give {train.SyncBatchNorm}=false if that is what "+
		"you want, train it in one, or trace it after .eval()", c.Arch)
}

// trainer returns the trainer of a rank.
func (r ready) trainer(c Config, g *torch.Group, hooks ...meta.Hook) *meta.Trainer {
	return &meta.Trainer{
		State:      r.state,
		Config:     c.Meta(),
		Schedule:   r.schedule,
		Source:     r.source,
		Hooks:      hooks,
		LogWeights: r.source.weights,
		Exec: model.Exec{
			Group:         g,
			SyncBatchNorm: c.SyncBatchNorm,
			MicroBatch:    c.microBatch(g.Size()),
			Recompute:     c.Recompute,
		},
	}
}

// PretrainIn trains as a rank of a job. Rank 0 writes the run folder and prints. A nil job is one process.
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
	data, err := recordData(job, r.ds)
	if err != nil {
		return last, err
	}
	if !job.Leads() {
		return last, follow(ctx, job, c, r)
	}
	folder, missing, err := openRun(w, out, c, resume, r, data)
	if err := job.Agree(err); err != nil {
		return last, err
	}
	defer folder.Close()
	l := leader{ready: r, config: c, out: out, log: w, warn: w, job: job, folder: folder}
	err = l.train(ctx, missing)
	return l.last, err
}

// follow trains as a rank other than 0.
func follow(ctx context.Context, job *dist.Job, c Config, r ready) error {
	if err := job.Agree(nil); err != nil { // rank 0's folder
		return err
	}
	if err := r.state.Share(job.Group); err != nil {
		return job.Explain(err)
	}
	// Rank 0 evaluates and saves after each epoch, and before the first one of a resumed run. That may take long.
	if err := job.Await(strconv.Itoa(r.state.Position.Epoch)); err != nil {
		return err
	}
	// This hook has no name, since its errors name a rank.
	wait := meta.Hook{OnEpoch: func(st *meta.State, _ meta.Epoch) error {
		return job.Await(strconv.Itoa(st.Position.Epoch))
	}}
	err := c.Explain(r.trainer(c, job.Group, wait).Run(ctx), c.room(job.Size))
	if errors.Is(err, context.Canceled) {
		return err
	}
	return job.Explain(err)
}
