package meta

import (
	"context"
	"errors"
	"time"

	"github.com/icl-msr/icl-msr/torch"
)

// Phase is one of an epoch's two passes over the data.
type Phase int

// The phases of Algorithm 1.
const (
	RegularPhase Phase = iota // contrastive steps on theta
	MetaPhase                 // meta steps on phi
)

// stepper does a step with a batch and returns its figures.
type stepper func(ctx context.Context, s *torch.Scope, b HostBatch) (*figures, error)

// phase runs what is left of the position's phase. A step's tensors are freed at its end. On a device the host reads a
// step's figures when the next step has been queued. Unless a hook ends the phase, all steps done are reported.
func (t *Trainer) phase(ctx context.Context, step stepper) error {
	st, p := t.State, &t.State.Position
	number := uint64(2*p.Epoch) + uint64(p.Phase)
	t.waits = newWaiting(st.options.Device, t.Source)
	defer func() { t.waits = nil }()
	account := t.account()
	every := 1
	if p.Phase == MetaPhase {
		every = t.Config.Every
	}
	for b, err := range t.Source.Batches(t.uncancelled(ctx), number, p.Batch, every) {
		if err == nil {
			err = t.oneStep(ctx, step, b, every)
		}
		if err != nil {
			return t.endPhase(err, account)
		}
		if err := account(); err != nil {
			return err
		}
		if err := t.report(t.lateness()); err != nil {
			return err
		}
		if t.uncancelled(ctx).Err() != nil || st.pending.stop {
			return t.endPhase(ctx.Err(), account)
		}
	}
	return t.endPhase(t.uncancelled(ctx).Err(), account)
}

// oneStep does a step, and moves the position on to the next batch.
func (t *Trainer) oneStep(ctx context.Context, step stepper, b HostBatch, every int) error {
	t.waits.arrived()
	if err := t.exchange(ctx, &b); err != nil {
		return err
	}
	var f *figures
	if err := torch.With(func(s *torch.Scope) (err error) {
		f, err = step(ctx, s, b)
		return err
	}); err != nil {
		f.drop()
		return err
	}
	p := &t.State.Position
	f.step.Epoch, f.step.Epochs, f.step.Phase = p.Epoch, t.Schedule.Epochs, p.Phase
	f.step.Batch, f.step.Batches, f.step.Pictures = p.Batch, t.Source.Steps(), b.total(t.Group)
	p.Batch += every
	t.State.pending.late = append(t.State.pending.late, f)
	t.waits.stepped()
	return nil
}

// endPhase ends a phase that err, if any, has ended: the steps done are reported, and their errors come first.
func (t *Trainer) endPhase(err error, account func() error) error {
	if failed := t.report(0); failed != nil {
		return failed
	}
	wait, failed := t.waits.rest()
	t.State.Position.Sums.add(waitedSeconds, wait)
	if t.lateness() > 0 {
		failed = errors.Join(failed, account())
	}
	if failed != nil {
		return errors.Join(err, failed)
	}
	if err == nil && t.State.pending.stop {
		err = context.Canceled
	}
	return err
}

// account returns a function that adds the time since its last call, or since account, to the sums.
func (t *Trainer) account() func() error {
	p, start := &t.State.Position, time.Now()
	return func() error {
		seconds := time.Since(start).Seconds()
		wait, err := t.waits.take()
		name := regularSeconds
		if p.Phase == MetaPhase {
			name = metaSeconds
		}
		p.Sums.add(name, seconds)
		p.Sums.add(waitedSeconds, wait)
		start = time.Now()
		return err
	}
}
