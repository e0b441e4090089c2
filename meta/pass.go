package meta

import (
	"context"
	"errors"
	"time"

	"github.com/icl-msr/icl-msr/torch"
)

// pass runs what is left of the position's pass. Each step's tensors are freed
// at its end. On a device the host looks at a step's figures when the next one is
// queued; whatever but a hook ends the pass, the steps done have been told of.
func (t *Trainer) pass(ctx context.Context, step func(ctx context.Context, s *torch.Scope, b Batch) (*figures, error)) error {
	st, p := t.State, &t.State.Position
	number := uint64(2*p.Epoch) + uint64(p.Pass)
	t.waits = newWaiting(st.options.Device, t.Source)
	defer func() { t.waits = nil }()
	account := t.account()
	ended := func(err error) error { return t.ended(err, account) }
	every := 1
	if p.Pass == MetaPass {
		every = t.Config.Every
	}
	for b, err := range t.Source.Pass(t.own(ctx), number, p.Batch, every) {
		if err != nil {
			return ended(err)
		}
		t.waits.arrived()
		if err := t.meet(ctx, &b); err != nil {
			return ended(err)
		}
		var f *figures
		err = torch.With(func(s *torch.Scope) error {
			f, err = step(ctx, s, b)
			return err
		})
		if err != nil {
			f.drop()
			return ended(err)
		}
		f.step.Epoch, f.step.Epochs, f.step.Pass, f.step.Pictures = p.Epoch, t.Schedule.Epochs, p.Pass, b.whole(t.Group)
		f.step.Batch, f.step.Batches = p.Batch, t.Source.Steps()
		p.Batch += every
		st.behind.late = append(st.behind.late, f)
		t.waits.stepped()
		if err := account(); err != nil {
			return err
		}
		if err := t.tell(t.lateness()); err != nil {
			return err
		}
		if t.own(ctx).Err() != nil || st.behind.stop {
			return ended(ctx.Err())
		}
	}
	return ended(t.own(ctx).Err())
}

// ended ends a pass that err, if any, has ended: the steps done are told of, and
// what they tell comes first.
func (t *Trainer) ended(err error, account func() error) error {
	if failed := t.tell(0); failed != nil {
		return failed
	}
	wait, failed := t.waits.rest()
	t.State.Position.Sums.Waited += wait
	if t.lateness() > 0 {
		failed = errors.Join(failed, account())
	}
	if failed != nil {
		return errors.Join(err, failed)
	}
	if err == nil && t.State.behind.stop {
		err = context.Canceled
	}
	return err
}

// account returns a function that adds to the sums the time since it was called
// last, or made.
func (t *Trainer) account() func() error {
	p, start := &t.State.Position, time.Now()
	return func() error {
		seconds := time.Since(start).Seconds()
		wait, err := t.waits.take()
		if p.Pass == Regular {
			p.Sums.Regular += seconds
		} else {
			p.Sums.MetaSec += seconds
		}
		p.Sums.Waited += wait
		start = time.Now()
		return err
	}
}
