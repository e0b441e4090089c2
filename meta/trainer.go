package meta

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"

	"github.com/icl-msr/icl-msr/internal/field"
	"github.com/icl-msr/icl-msr/model"
	"github.com/icl-msr/icl-msr/nets"
	"github.com/icl-msr/icl-msr/torch"
)

// Trainer runs Algorithm 1. Each epoch has a phase of regular steps on theta, with L_to and A held constant, and then a
// phase of meta steps on phi.
//
// In a data-parallel job each rank has a Trainer whose Source yields its share of every batch. Steps, losses and
// figures are those of the whole job, and alike on all ranks. What a job does once, as saving, is for the hooks of rank
// 0.
type Trainer struct {
	State    *State
	Config   Config // used if State has an f_msr
	Schedule nets.Schedule
	Source   Source
	Hooks    []Hook
	// LogWeights makes Batch.LogWeights of the indices of a batch's pictures, on all ranks alike; nil: there are none.
	LogWeights func(s *torch.Scope, indices torch.Tensor) torch.Tensor
	model.Exec

	waits *waiting // of the current phase
	late  bool     // for tests: figures are read late on the CPU, too
}

// Diverged is the error of a loss that is not a finite number. On the CPU the state is as before the step. On another
// device it is lost, and Mark and Settle return the error from then on.
type Diverged struct {
	Epoch, Batch int
	Phase        Phase
	Loss         float64
	Hint         string // by the method (model.Explainer), or empty
}

func (d *Diverged) Error() string { return d.remedy().Error() }

// Unwrap is the same error, by the fields that it names.
func (d *Diverged) Unwrap() error { return d.remedy() }

func (d *Diverged) remedy() error {
	what := map[Phase]string{RegularPhase: "loss", MetaPhase: "meta objective"}[d.Phase]
	hint := ""
	if d.Hint != "" {
		hint = "; " + d.Hint
	}
	return field.Errorf("the %s became %g at epoch %d, batch %d: stopped; lower {nets.LR}, or {meta.Alpha} with MSR%s",
		what, d.Loss, d.Epoch, d.Batch, hint)
}

// Run trains until the schedule's last epoch. If ctx is done, it finishes the current step and returns ctx's error;
// State then says what is next. In a data-parallel job all ranks stop at the same step as soon as one is told to.
func (t *Trainer) Run(ctx context.Context) (err error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := t.check(); err != nil {
		return err
	}
	t.State.pending.stop = false
	defer func() { err = t.end(err) }()
	for t.State.Position.Epoch < t.Schedule.Epochs {
		if err := t.epoch(ctx); err != nil {
			return err
		}
	}
	return nil
}

// end settles and tells the hooks that the run has ended with err.
func (t *Trainer) end(err error) error {
	if failed := t.State.Settle(); failed != nil && !errors.Is(err, failed) {
		err = errors.Join(err, failed)
	}
	for _, h := range t.Hooks {
		if h.OnEnd != nil {
			err = errors.Join(err, h.Named(h.OnEnd(t.State, err)))
		}
	}
	return err
}

// epoch runs what is left of the position's epoch.
func (t *Trainer) epoch(ctx context.Context) error {
	p := &t.State.Position
	if p.Phase == RegularPhase {
		if err := t.survey(ctx); err != nil {
			return err
		}
		if err := t.phase(ctx, t.regular); err != nil {
			return err
		}
		p.Phase, p.Batch = MetaPhase, 0
	}
	if t.State.MSR != nil && t.Config.Trains() {
		if err := t.phase(ctx, t.meta); err != nil {
			return err
		}
	}
	if err := t.agree(); err != nil {
		return err
	}
	done := p.Sums.epoch(p.Epoch)
	p.Epoch, p.Phase, p.Batch, p.Sums = p.Epoch+1, RegularPhase, 0, Sums{}
	return t.each(func(h Hook) error {
		if h.OnEpoch == nil {
			return nil
		}
		return h.OnEpoch(t.State, done)
	})
}

func (t *Trainer) check() error {
	if t.State.MSR != nil {
		if err := t.Config.Validate(); err != nil {
			return err
		}
	}
	if t.Source.Steps() < 1 {
		return field.Errorf("meta: an epoch without a batch; use a smaller {datasets.BatchSize}")
	}
	return t.Schedule.Validate()
}

func (t *Trainer) each(f func(Hook) error) error {
	for _, h := range t.Hooks {
		if err := f(h); err != nil {
			return h.Named(err)
		}
	}
	return nil
}

// survey shows the method all pictures before an epoch, if it wants them. An epoch that is resumed has the outcome in
// its checkpoint.
func (t *Trainer) survey(ctx context.Context) error {
	st := t.State
	method, ok := st.Method.(model.Surveyor)
	if !ok || st.Position.Batch > 0 || !method.Surveys(t.clock()) {
		return nil
	}
	source, ok := t.Source.(Surveyor)
	if !ok {
		return fmt.Errorf("meta: method %s looks at all pictures before an epoch, and this source has no Survey",
			st.Name())
	}
	start := time.Now()
	err := torch.With(func(s *torch.Scope) error {
		z, err := t.embeddings(ctx, s, source)
		if err != nil {
			return err
		}
		q := t.upload(s, HostBatch{}, nets.Eval())
		defer torch.SetGrad(false)()
		method.Survey(s, q, z)
		return s.Err()
	})
	st.Position.Sums.add(regularSeconds, time.Since(start).Seconds())
	return err
}

// embeddings are those of all pictures of a source, in order.
func (t *Trainer) embeddings(ctx context.Context, s *torch.Scope, source Surveyor) (torch.Tensor, error) {
	var rows []torch.Tensor
	for b, err := range source.Survey(t.uncancelled(ctx)) {
		if err != nil {
			return torch.Tensor{}, err
		}
		if err := torch.With(func(u *torch.Scope) error {
			q := t.upload(u, HostBatch{N: b.N, Size: b.Size, Plain: b.Plain, Device: b.Device}, nets.Eval())
			z := u.AllGather(t.Group, q.Embed(u, q.Batch.Plain))
			rows = append(rows, s.Hold(u.Narrow(z, 0, 0, int64(b.total(t.Group)))))
			return u.Err()
		}); err != nil {
			return torch.Tensor{}, err
		}
	}
	return s.Cat(0, rows...), nil
}

// clock says where the run is, for methods.
func (t *Trainer) clock() model.Clock {
	p := t.State.Position
	return model.Clock{
		Step:   p.Step,
		Steps:  t.Schedule.Epochs * t.Schedule.Steps,
		Epoch:  p.Epoch,
		Epochs: t.Schedule.Epochs,
		Seed:   t.State.seed,
	}
}
