package meta

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"runtime"
	"time"

	"github.com/sugarme/gotch"

	"github.com/icl-msr/icl-msr/methods"
	"github.com/icl-msr/icl-msr/nets"
	"github.com/icl-msr/icl-msr/torch"
)

// Batch is a batch on the host: N pictures, normalised. View v is [N, 3, S, S]
// with S = Sizes[v]; Plain, which may be empty when there is no f_msr, with
// S = Size. In a data-parallel job they are this rank's share of the batch.
type Batch struct {
	N, Size int
	Total   int // pictures of all ranks' shares; 0: N on each
	Sizes   []int
	Views   [][]float32
	Plain   []float32
	// Device makes on the device what the host did not make: the views that are none in
	// Views, each in its place, and Plain, if it is wanted and none. It is called once, while
	// the batch is valid; nil where the host made all.
	Device  func(s *torch.Scope, device gotch.Device) (views []torch.Tensor, plain torch.Tensor)
	Indices []int64 // of the pictures in the data set
}

// whole is the number of pictures on all ranks.
func (b Batch) whole(g *torch.Group) int {
	if b.Total > 0 {
		return b.Total
	}
	return b.N * g.Size()
}

// Source makes the batches of a pass. What it yields depends on the pass number
// and the batch's place alone, so that a run can be resumed anywhere.
type Source interface {
	// Steps is the number of batches of a pass.
	Steps() int
	// Pass yields every step-th batch of pass n (0, 1, ...) from batch `from`.
	Pass(ctx context.Context, n uint64, from, step int) iter.Seq2[Batch, error]
	// Waited is the time spent waiting for batches so far.
	Waited() time.Duration
}

// Surveyor is a source that also yields all pictures once, un-augmented, in the
// data set's order: what methods need that look at all of them (methods.Surveyor).
// Of a batch that does not divide, ranks have shares of one length all the same:
// what lies beyond Total is left out.
type Surveyor interface {
	Survey(ctx context.Context) iter.Seq2[Batch, error]
}

// Hook is told what happens; any function may be nil. An error ends the run.
// OnStep is told of each step once, in order: on the CPU when it is done, on
// another device when the next one has been queued. A hook that wants the state
// there calls its Mark or Settle first; the other functions find it settled.
type Hook struct {
	OnStep  func(Step) error
	OnEpoch func(st *State, e Epoch) error
	OnEnd   func(st *State, err error) error
}

// Trainer runs Algorithm 1: each epoch a pass of regular steps on theta, with
// L_to and A held constant, then a pass of meta steps on phi.
type Trainer struct {
	State    *State
	Config   Config // used when State has an f_msr
	Schedule nets.Schedule
	Source   Source
	Hooks    []Hook
	// Group are the ranks of a data-parallel job, whose Sources yield each its share
	// of every batch. Steps, losses and figures are those of the whole job, on every
	// rank alike; what a job of one process should do once, as saving, is for the
	// hooks of rank 0.
	Group *torch.Group
	// MicroBatch is how many pictures of a rank's batch the networks see at a time;
	// it divides their number; 0: all. The gradient is the exact one of the whole
	// batch, computed in two passes over the parts (methods.Pass.Gradient), in the
	// memory of one. Batch norms take the statistics of a part, over all ranks.
	MicroBatch int
	// Recompute keeps the inputs of the backbone's stages alone, and runs each stage
	// once more when its gradient is due: the same gradient, with the batch norms of
	// the whole batch, in about a third of the memory.
	Recompute bool
	// LocalNorm normalises by each rank's own pictures, as PyTorch's
	// DistributedDataParallel does; running statistics are averaged after each step.
	LocalNorm bool

	waits *waiting // of the pass at hand
	late  bool     // tests: as on a device
}

// Diverged is the error of a loss that is no number any more. On the CPU the state
// is as before the step; on another device it is lost, and Mark and Settle return
// the error from then on.
type Diverged struct {
	Epoch, Batch int
	Pass         Phase
	Loss         float64
	Hint         string // what the method knows of it (methods.Explainer), or empty
}

func (d *Diverged) Error() string {
	pass := map[Phase]string{Regular: "loss", MetaPass: "meta objective"}[d.Pass]
	text := fmt.Sprintf("the %s became %g at epoch %d, batch %d: stopped; lower --lr, or --alpha with --msr", pass, d.Loss, d.Epoch, d.Batch)
	if d.Hint != "" {
		text += "; " + d.Hint
	}
	return text
}

// Run trains until the schedule's last epoch. When ctx is done it finishes the
// step at hand and returns ctx's error; State then says what is next. In a
// data-parallel job all ranks stop at the same step as soon as one is told to.
func (t *Trainer) Run(ctx context.Context) (err error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := t.check(); err != nil {
		return err
	}
	t.State.behind.stop = false
	defer func() {
		if failed := t.State.Settle(); failed != nil && !errors.Is(err, failed) {
			err = errors.Join(err, failed)
		}
		for _, h := range t.Hooks {
			if h.OnEnd != nil {
				err = errors.Join(err, h.OnEnd(t.State, err))
			}
		}
	}()
	for p := &t.State.Position; p.Epoch < t.Schedule.Epochs; {
		if p.Pass == Regular {
			if err := t.survey(ctx); err != nil {
				return err
			}
			if err := t.pass(ctx, t.regular); err != nil {
				return err
			}
			p.Pass, p.Batch = MetaPass, 0
		}
		if t.State.MSR != nil && t.Config.Trains() {
			if err := t.pass(ctx, t.meta); err != nil {
				return err
			}
		}
		if err := t.agree(); err != nil {
			return err
		}
		done := p.Sums.epoch(p.Epoch)
		p.Epoch, p.Pass, p.Batch, p.Sums = p.Epoch+1, Regular, 0, Sums{}
		if err := t.each(func(h Hook) error {
			if h.OnEpoch == nil {
				return nil
			}
			return h.OnEpoch(t.State, done)
		}); err != nil {
			return err
		}
	}
	return nil
}

func (t *Trainer) check() error {
	if t.State.MSR != nil {
		if err := t.Config.Validate(); err != nil {
			return err
		}
	}
	if t.Source.Steps() < 1 {
		return errors.New("meta: an epoch without a batch; use a smaller --batch-size")
	}
	return t.Schedule.Validate()
}

func (t *Trainer) each(f func(Hook) error) error {
	for _, h := range t.Hooks {
		if err := f(h); err != nil {
			return err
		}
	}
	return nil
}

// survey lets the method look at all pictures before an epoch, if it wants to.
// An epoch that is taken up later has what the survey left in its checkpoint.
func (t *Trainer) survey(ctx context.Context) error {
	st := t.State
	method, ok := st.Method.(methods.Surveyor)
	if !ok || st.Position.Batch > 0 || !method.Surveys(t.clock()) {
		return nil
	}
	src, ok := t.Source.(Surveyor)
	if !ok {
		return fmt.Errorf("meta: method %s looks at all pictures before an epoch, and this source has no Survey", st.Name())
	}
	start := time.Now()
	err := torch.With(func(s *torch.Scope) error {
		var parts []torch.Tensor
		for b, err := range src.Survey(t.own(ctx)) {
			if err != nil {
				return err
			}
			if err := torch.With(func(u *torch.Scope) error {
				q := t.on(u, Batch{N: b.N, Size: b.Size, Plain: b.Plain, Device: b.Device}, nets.Eval())
				z := u.AllGather(t.Group, q.Embed(u, q.Batch.Plain))
				parts = append(parts, s.Hold(u.Narrow(z, 0, 0, int64(b.whole(t.Group)))))
				return u.Err()
			}); err != nil {
				return err
			}
		}
		q := t.on(s, Batch{}, nets.Eval())
		defer torch.SetGrad(false)()
		method.Survey(s, q, s.Cat(0, parts...))
		return s.Err()
	})
	st.Position.Sums.Regular += time.Since(start).Seconds()
	return err
}

// clock says where the run is, for methods.
func (t *Trainer) clock() methods.Clock {
	p := t.State.Position
	return methods.Clock{Step: p.Step, Steps: t.Schedule.Epochs * t.Schedule.Steps, Epoch: p.Epoch, Epochs: t.Schedule.Epochs, Seed: t.State.seed}
}
