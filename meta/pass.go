package meta

import (
	"context"
	"time"

	"github.com/icl-msr/icl-msr/internal/libtorch"
)

// pass runs what is left of the position's pass. Each step's tensors are freed
// at its end. On a device the host looks at a step's figures when the next one is
// queued; whatever but a hook ends the pass, the steps done have been told of.
func (t *Trainer) pass(ctx context.Context, step func(ctx context.Context, s *Scope, b Batch) (*figures, error)) error {
	st, p := t.State, &t.State.Position
	number := uint64(2*p.Epoch) + uint64(p.Pass)
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
		if err := t.meet(ctx, &b); err != nil {
			return ended(err)
		}
		var f *figures
		err = libtorch.With(func(s *Scope) error {
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
		account()
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
func (t *Trainer) ended(err error, account func()) error {
	if failed := t.tell(0); failed != nil {
		return failed
	}
	if t.lateness() > 0 {
		account()
	}
	if err == nil && t.State.behind.stop {
		err = context.Canceled
	}
	return err
}

// account returns a function that adds to the sums the time since it was called
// last, or made.
func (t *Trainer) account() func() {
	p, start, waited := &t.State.Position, time.Now(), t.Source.Waited()
	return func() {
		seconds, wait := time.Since(start).Seconds(), (t.Source.Waited() - waited).Seconds()
		if p.Pass == Regular {
			p.Sums.Regular += seconds
		} else {
			p.Sums.MetaSec += seconds
		}
		p.Sums.Waited += wait
		start, waited = time.Now(), t.Source.Waited()
	}
}
