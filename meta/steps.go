package meta

import (
	"math"

	"github.com/icl-msr/icl-msr/internal/libtorch"
	"github.com/icl-msr/icl-msr/methods"
	"github.com/icl-msr/icl-msr/nets"
)

// on brings a batch to the device: a pass of the model on it, at theta. Nothing here waits for the device, which
// may still be at the step before.
func (t *Trainer) on(s *Scope, b Batch, m nets.Mode) *methods.Pass {
	st := t.State
	upload := func(x []float32, size int) Tensor {
		return s.To(libtorch.Upload(s, x, st.options.Device, int64(b.N), 3, int64(size), int64(size)), st.options)
	}
	q := &methods.Pass{Model: st.Model, Theta: st.Theta, Buffers: st.Buffers, State: st.ModelState, Mode: m, Clock: t.clock(), Group: t.Group, LocalNorm: t.LocalNorm,
		Micro: int64(t.MicroBatch), Checkpoint: t.Checkpoint}
	q.Batch.Views = make([]Tensor, len(b.Views))
	for v, x := range b.Views {
		if x != nil {
			q.Batch.Views[v] = upload(x, b.Sizes[v])
		}
	}
	if b.Plain != nil {
		q.Batch.Plain = upload(b.Plain, b.Size)
	}
	if b.Indices != nil {
		q.Batch.Indices = libtorch.Upload(s, b.Indices, st.options.Device, int64(len(b.Indices)))
	}
	t.waits.uploaded()
	if b.Device != nil {
		t.finish(s, b, q)
	}
	return q
}

// finish makes what of a batch was left to the device.
func (t *Trainer) finish(s *Scope, b Batch, q *methods.Pass) {
	o := t.State.options
	views, plain := b.Device(s, o.Device)
	for v := range q.Batch.Views {
		if b.Views[v] == nil && v < len(views) {
			q.Batch.Views[v] = s.To(views[v], o)
		}
	}
	if b.Plain == nil && plain.Defined() {
		q.Batch.Plain = s.To(plain, o)
	}
}

// regular is lines 2 to 7 of Algorithm 1 for one batch.
func (t *Trainer) regular(s *Scope, b Batch) (Step, error) {
	st, p := t.State, &t.State.Position
	q := t.on(s, b, nets.Train())
	q.OwnLoss = st.MSR == nil || t.Config.Lambda == 0
	if !q.OwnLoss {
		q.Space, q.A = t.Config.Space, t.weights(s, q.Batch.Plain)
	}
	q.Targets(s)
	defer libtorch.SetGrad(true)()
	var ct, loss, total Tensor
	grads := q.Gradient(s, func() Tensor {
		ct = q.Loss(s, q)
		total = ct
		if !q.OwnLoss {
			loss = q.DoLoss(s)
			total = s.Add(ct, s.MulScalar(loss, t.Config.Lambda))
		}
		return total
	})
	value, msr := s.Item(total), 0.0
	if loss.Defined() {
		msr = s.Item(loss)
	}
	lr := t.Schedule.At(p.Step)
	if s.Err() == nil && (math.IsNaN(value) || math.IsInf(value, 0)) {
		return Step{}, &Diverged{p.Epoch, p.Batch, Regular, value}
	}
	if f, ok := st.Method.(methods.Freezer); ok {
		f.Freeze(q, grads)
	}
	st.ThetaOpt.Step(s, st.Theta, grads, lr)
	q.Theta = st.Theta
	q.Update(s)
	t.average(s)
	if s.Err() != nil {
		return Step{}, s.Err()
	}
	p.Step++
	sums := &p.Sums
	sums.Spread += spread(s, q.Z[0])
	if p.Batch == t.Source.Steps()-1 {
		sums.Rank = effectiveRank(s, q.Z[0])
	}
	sums.Steps++
	sums.LTo, sums.LCt, sums.LMsr = sums.LTo+value, sums.LCt+s.Item(ct), sums.LMsr+msr
	sums.Pictures, sums.LastLR = sums.Pictures+b.whole(t.Group), lr
	return Step{Loss: value, LR: lr}, nil
}

// weights is A, held constant. f_msr's running statistics move here, in the
// regular pass, and only here.
func (t *Trainer) weights(s *Scope, plain Tensor) Tensor {
	st := t.State
	defer libtorch.SetGrad(false)()
	if t.Config.Ablation == Ones {
		n, c := st.MSR.Shape()
		return s.Full(1, st.options, s.Size(plain, 0), n, c)
	}
	var rows []Tensor
	for _, x := range micro(s, plain, int64(t.MicroBatch)) {
		s.Within(func(u *Scope) {
			rows = append(rows, s.Hold(st.MSR.Forward(u, st.Phi, st.PhiBuffers, x, nets.Train().Across(methods.Norms(t.Group, t.LocalNorm)))))
		})
	}
	return s.Cat(0, rows...)
}

// meta is lines 8 to 16 of Algorithm 1 for one batch.
func (t *Trainer) meta(s *Scope, b Batch) (Step, error) {
	st, p := t.State, &t.State.Position
	q := t.on(s, b, nets.Meta())
	r, err := Problem{Model: st.Model, Config: t.Config, MSR: st.MSR, Theta: st.Theta, Buffers: st.Buffers, ModelState: st.ModelState,
		Phi: st.Phi, PhiBuffers: st.PhiBuffers, Inner: q.Batch, Outer: q.Batch, Clock: q.Clock, Group: t.Group, LocalNorm: t.LocalNorm,
		Micro: int64(t.MicroBatch), Checkpoint: t.Checkpoint}.Gradient(s)
	if err != nil {
		return Step{}, err
	}
	value := r.LCtFast + r.EffectiveGamma*r.LUni
	if bad := value + norm(s, r.Grad); math.IsNaN(bad) || math.IsInf(bad, 0) {
		return Step{}, &Diverged{p.Epoch, p.Batch, MetaPass, bad}
	}
	st.PhiOpt.Step(s, st.Phi, r.Grad, t.Config.Beta)
	if s.Err() != nil {
		return Step{}, s.Err()
	}
	p.MetaSteps++
	sums := &p.Sums
	sums.Meta++
	sums.MetaLCt, sums.LCtFast, sums.LUni = sums.MetaLCt+r.LCt, sums.LCtFast+r.LCtFast, sums.LUni+r.LUni
	sums.NormCT, sums.NormUni, sums.Gamma = sums.NormCT+r.NormCT, sums.NormUni+r.NormUni, sums.Gamma+r.EffectiveGamma
	return Step{Loss: value, LR: t.Config.Beta}, nil
}
