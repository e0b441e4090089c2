package meta

import (
	"math"

	"github.com/icl-msr/icl-msr/model"
	"github.com/icl-msr/icl-msr/torch"
)

// The host reads a few numbers of each step, its figures. On the CPU they are there at once: a step looks at them
// before it moves the parameters. On a device the host would have to wait for all that is queued, and the device would
// then wait for the host to queue the next step. So the copy of the figures is queued, and the host reads it when the
// next step has been queued. A loss that is not finite is then found one step late: whoever needs the whole state
// (Mark, the end of an epoch or of the run) settles first.

// figures are the numbers of a step.
type figures struct {
	step   Step
	late   *torch.Late // on a device
	values []float64   // on the CPU
	stops  bool        // the last number is Trainer.stopping's
	judge  func(v []float64) error
	count  func(v []float64) (loss float64, scalars Scalars, err error) // adds the scalars to the sums
}

// take reads a vector of numbers, or queues its copy. stopping, if defined, is the number of ranks that stop. On the
// CPU the error is judge's.
func (f *figures) take(s *torch.Scope, lateness int, v, stopping torch.Tensor) error {
	if stopping.Defined() {
		v, f.stops = s.Figures(v, stopping), true
	}
	if lateness > 0 {
		f.late = s.ReadLater(v)
		return s.Err()
	}
	f.values = torch.Slice[float64](s, v)
	if s.Err() != nil {
		return s.Err()
	}
	return f.judge(f.values)
}

// settle waits for the numbers and adds them to the sums. stop reports whether a rank was told to stop.
func (f *figures) settle() (stop bool, err error) {
	if f.late != nil {
		if f.values, err = f.late.Take(); err != nil {
			return false, err
		}
		if last := len(f.values) - 1; f.stops && last >= 0 {
			stop, f.values = f.values[last] > 0, f.values[:last]
		}
		if err := f.judge(f.values); err != nil {
			return stop, err
		}
	}
	f.step.Loss, f.step.Scalars, err = f.count(f.values)
	return stop, err
}

// drop gives up the figures of a step that was not done.
func (f *figures) drop() {
	if f != nil && f.late != nil {
		f.late.Drop()
	}
}

// pending are steps that were done and are not reported yet.
type pending struct {
	late    []*figures // not settled, oldest first
	settled []Step     // to be reported next
	failed  error      // of settling; the state is lost then
	stop    bool       // a rank was told to stop
}

// Settle waits for the figures of all steps done and adds them to Position's sums. It fails if a loss was not finite;
// from then on it always returns that error, and the state must not be used. Mark settles. On the CPU there is nothing
// to wait for.
func (st *State) Settle() error {
	for st.pending.failed == nil && len(st.pending.late) > 0 {
		st.settleOldest()
	}
	return st.pending.failed
}

func (st *State) settleOldest() {
	b := &st.pending
	f := b.late[0]
	b.late = b.late[1:]
	stop, err := f.settle()
	if b.stop = b.stop || stop; err != nil {
		b.failed = err
		st.dropLate()
		return
	}
	b.settled = append(b.settled, f.step)
}

// dropLate drops figures that have not arrived.
func (st *State) dropLate() {
	for _, f := range st.pending.late {
		f.drop()
	}
	st.pending.late = nil
}

// lateness is the number of steps whose figures the host has not read when it queues the next one.
func (t *Trainer) lateness() int {
	if torch.OnHost(t.State.options.Device) && !t.late {
		return 0
	}
	return 1
}

// report settles all steps but the newest few, and tells the hooks of them. A hook may settle more steps: these come
// next.
func (t *Trainer) report(but int) error {
	b := &t.State.pending
	for {
		for b.failed == nil && len(b.late) > but {
			t.State.settleOldest()
		}
		if len(b.settled) == 0 {
			return b.failed
		}
		step := b.settled[0]
		b.settled = b.settled[1:]
		if err := t.each(func(h Hook) error {
			if h.OnStep == nil {
				return nil
			}
			return h.OnStep(step)
		}); err != nil {
			return err
		}
	}
}

// finite returns an error if a loss is not a finite number.
func (t *Trainer) finite(epoch, batch int, phase Phase, loss float64) error {
	if !math.IsNaN(loss) && !math.IsInf(loss, 0) {
		return nil
	}
	d := &Diverged{Epoch: epoch, Batch: batch, Phase: phase, Loss: loss}
	if m, ok := t.State.Method.(model.Explainer); ok && !torch.OnHost(t.State.options.Device) {
		d.Hint = m.NotFinite()
	}
	return d
}
