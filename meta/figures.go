package meta

import (
	"math"

	"github.com/icl-msr/icl-msr/model"
	"github.com/icl-msr/icl-msr/torch"
)

// A step tells the host a few numbers, its figures. On the CPU they are at hand:
// the step looks at them before it moves the parameters. On a device the host
// would have to wait for all that is queued there, and the device would then wait
// for the host to queue the next step. So their copy is queued like everything
// else, and the host looks at it when the next step is queued. That the loss of a
// step was not finite is then known one step late: whoever wants the state as a
// whole (Mark, an epoch's end, the run's end) settles first.

// figures are the numbers of a step.
type figures struct {
	step   Step
	late   *torch.Late // on a device
	values []float64   // on the CPU
	stops  bool        // the last number is of Trainer.stopping
	judge  func(v []float64) error
	count  func(v []float64) (loss float64, err error) // adds them to the sums
}

// take takes the numbers of a vector, and how many ranks stop, or none. On the CPU
// it returns judge's error.
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

// settle waits for the numbers, and adds them to the sums; stop reports whether a
// rank was told to stop.
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
	f.step.Loss, err = f.count(f.values)
	return stop, err
}

// drop gives up figures of a step that was not done.
func (f *figures) drop() {
	if f != nil && f.late != nil {
		f.late.Drop()
	}
}

// behind are the steps that were done and not told of.
type behind struct {
	late   []*figures // whose figures are not settled, oldest first
	told   []Step     // which are next to be told
	failed error      // what settling found; the state is lost then
	stop   bool       // a rank was told to stop
}

// Settle waits for the figures of all steps done, and counts them in Position's
// sums. Its error, from then on always the same, is of a loss that was not finite:
// the state is not to be used any more. Mark settles. On the CPU there is nothing
// to wait for.
func (st *State) Settle() error {
	for st.behind.failed == nil && len(st.behind.late) > 0 {
		st.settleOldest()
	}
	return st.behind.failed
}

func (st *State) settleOldest() {
	b := &st.behind
	f := b.late[0]
	b.late = b.late[1:]
	stop, err := f.settle()
	if b.stop = b.stop || stop; err != nil {
		b.failed = err
		st.forget()
		return
	}
	b.told = append(b.told, f.step)
}

// forget drops figures that are on their way.
func (st *State) forget() {
	for _, f := range st.behind.late {
		f.drop()
	}
	st.behind.late = nil
}

// lateness is how many steps the host is behind the newest one.
func (t *Trainer) lateness() int {
	if torch.OnHost(t.State.options.Device) && !t.late {
		return 0
	}
	return 1
}

// tell settles all steps but the newest few, and tells the hooks of them. A hook
// may settle more: these are told next.
func (t *Trainer) tell(but int) error {
	b := &t.State.behind
	for {
		for b.failed == nil && len(b.late) > but {
			t.State.settleOldest()
		}
		if len(b.told) == 0 {
			return b.failed
		}
		step := b.told[0]
		b.told = b.told[1:]
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

// finite is nil, or the error of a loss that is no number any more.
func (t *Trainer) finite(epoch, batch int, pass Phase, loss float64) error {
	if !math.IsNaN(loss) && !math.IsInf(loss, 0) {
		return nil
	}
	d := &Diverged{Epoch: epoch, Batch: batch, Pass: pass, Loss: loss}
	if m, ok := t.State.Method.(model.Explainer); ok && !torch.OnHost(t.State.options.Device) {
		d.Hint = m.NotFinite()
	}
	return d
}
