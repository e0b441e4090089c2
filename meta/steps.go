package meta

import (
	"context"
	"math"

	"github.com/icl-msr/icl-msr/model"
	"github.com/icl-msr/icl-msr/nets"
	"github.com/icl-msr/icl-msr/torch"
)

// upload copies a batch to the device and returns a pass on it, at theta. It does not wait for the device, which may
// still be at the step before.
func (t *Trainer) upload(s *torch.Scope, b HostBatch, m nets.Mode) *model.Pass {
	st := t.State
	pictures := func(x []float32, size int) torch.Tensor {
		return s.To(torch.Upload(s, x, st.options.Device, int64(b.N), 3, int64(size), int64(size)), st.options)
	}
	q := &model.Pass{
		Model:   st.Model,
		Exec:    t.Exec,
		Theta:   st.Theta,
		Buffers: st.Buffers,
		State:   st.ModelState,
		Mode:    m,
		Clock:   t.clock(),
	}
	q.Batch.Views = make([]torch.Tensor, len(b.Views))
	for v, x := range b.Views {
		if x != nil {
			q.Batch.Views[v] = pictures(x, b.Sizes[v])
		}
	}
	if b.Plain != nil {
		q.Batch.Plain = pictures(b.Plain, b.Size)
	}
	if b.Indices != nil {
		q.Batch.Indices = torch.Upload(s, b.Indices, st.options.Device, int64(len(b.Indices)))
	}
	t.waits.uploaded()
	if b.Device != nil {
		t.finish(s, b, q)
	}
	return q
}

// finish makes the pictures that the host has left to the device.
func (t *Trainer) finish(s *torch.Scope, b HostBatch, q *model.Pass) {
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
func (t *Trainer) regular(ctx context.Context, s *torch.Scope, b HostBatch) (*figures, error) {
	st, p := t.State, &t.State.Position
	q := t.uploadStep(s, b, nets.Train())
	q.WithoutDoLoss = st.MSR == nil || t.Config.Lambda == 0
	if !q.WithoutDoLoss {
		q.Space, q.A = t.Config.Space, t.weights(s, q.Batch.Plain)
	}
	q.Targets(s)
	defer torch.SetGrad(true)()
	var ct, msr, total torch.Tensor
	grads := q.Gradient(s, func() torch.Tensor {
		ct = q.Loss(s, q)
		total = ct
		if !q.WithoutDoLoss {
			msr = q.DoLoss(s)
			total = s.Add(ct, s.MulScalar(msr, t.Config.Lambda))
		}
		return total
	})
	if s.Err() != nil {
		return nil, s.Err()
	}
	lr := t.Schedule.At(p.Step)
	f := t.regularFigures(b, lr, s.Size(q.Z[0], 1))
	if err := f.take(s, t.lateness(), t.regularNumbers(s, q, total, ct, msr), t.stopping(ctx, s)); err != nil {
		return f, err
	}
	t.move(s, q, grads, lr)
	if s.Err() != nil {
		return f, s.Err()
	}
	p.Step++
	return f, nil
}

// move updates theta by its gradients, and the state that follows theta.
func (t *Trainer) move(s *torch.Scope, q *model.Pass, grads []torch.Tensor, lr float64) {
	st := t.State
	if m, ok := st.Method.(model.Freezer); ok {
		m.Freeze(q, grads)
	}
	if o, ok := st.ThetaOpt.(nets.Steadied); ok {
		o.Base(t.Schedule.LR)
	}
	st.ThetaOpt.Step(s, st.Theta, grads, lr)
	q.Theta = st.Theta
	q.Update(s)
	t.averageStatistics(s)
}

// regularNumbers are a regular step's: L_to, L_ct, L_msr, the deviation of the embeddings, and in an epoch's last step
// their covariance.
func (t *Trainer) regularNumbers(s *torch.Scope, q *model.Pass, total, ct, msr torch.Tensor) torch.Tensor {
	numbers := []torch.Tensor{total, ct, msr, deviation(s, q.Z[0])}
	if t.State.Position.Batch == t.Source.Steps()-1 {
		numbers = append(numbers, covariance(s, q.Z[0]))
	}
	return s.Figures(numbers...)
}

// regularFigures are the figures of the current regular step, with embeddings of dim numbers.
func (t *Trainer) regularFigures(b HostBatch, lr float64, dim int64) *figures {
	p := &t.State.Position
	epoch, batch, n, sums, msr := p.Epoch, p.Batch, b.total(t.Group), &p.Sums, t.State.MSR != nil
	return &figures{
		step:  Step{LR: lr},
		judge: func(v []float64) error { return t.finite(epoch, batch, RegularPhase, v[0]) },
		count: func(v []float64) (loss float64, scalars Scalars, err error) {
			scalars = Scalars{
				{"lr", lr},
				{"l_to", v[0]},
				{"l_ct", v[1]},
				{"embedding_std", v[3] * math.Sqrt(float64(dim))},
			}
			if msr {
				scalars = append(scalars, Scalar{"l_msr", v[2]})
			}
			if len(v) > 4 {
				rank, failed := effectiveRank(v[4:])
				scalars, err = append(scalars, Scalar{"effective_rank", rank}), failed
			}
			sums.step(regularSteps, scalars)
			sums.add(pictures, float64(n))
			return v[0], scalars, err
		},
	}
}

// weights is A, held constant. Here, in the regular phase, and nowhere else, f_msr's running statistics move.
func (t *Trainer) weights(s *torch.Scope, plain torch.Tensor) torch.Tensor {
	st := t.State
	if t.Config.Ablation == Ones {
		n, c := st.MSR.Shape()
		return s.Full(1, st.options, s.Size(plain, 0), n, c)
	}
	return t.Exec.Evaluate(s, st.MSR, st.Phi, st.PhiBuffers, plain, nets.Train())
}

// meta is lines 8 to 16 of Algorithm 1 for one batch.
func (t *Trainer) meta(ctx context.Context, s *torch.Scope, b HostBatch) (*figures, error) {
	st, p := t.State, &t.State.Position
	q := t.uploadStep(s, b, nets.Meta())
	r, err := Problem{
		Model:      st.Model,
		Config:     t.Config,
		MSR:        st.MSR,
		Theta:      st.Theta,
		Buffers:    st.Buffers,
		ModelState: st.ModelState,
		Phi:        st.Phi,
		PhiBuffers: st.PhiBuffers,
		Inner:      q.Batch,
		Outer:      q.Batch,
		Clock:      q.Clock,
		Exec:       t.Exec,
	}.Queue(s)
	if err != nil {
		return nil, err
	}
	f := t.metaFigures()
	numbers := s.Figures(r.Figures, s.Norm(r.Grad))
	if err := f.take(s, t.lateness(), numbers, t.stopping(ctx, s)); err != nil {
		return f, err
	}
	st.PhiOpt.Step(s, st.Phi, r.Grad, t.Config.Beta)
	if s.Err() != nil {
		return f, s.Err()
	}
	p.MetaSteps++
	return f, nil
}

// metaFigures are the figures of the current meta step: the numbers of its Result, and the norm of its gradient.
func (t *Trainer) metaFigures() *figures {
	p := &t.State.Position
	epoch, batch, sums := p.Epoch, p.Batch, &p.Sums
	objective := func(v []float64) (r Result, value float64) {
		r.set(v)
		return r, r.LCtFast + r.EffectiveGamma*r.LUni
	}
	return &figures{
		step: Step{LR: t.Config.Beta},
		judge: func(v []float64) error {
			_, value := objective(v)
			return t.finite(epoch, batch, MetaPhase, value+v[numbers])
		},
		count: func(v []float64) (float64, Scalars, error) {
			r, value := objective(v)
			scalars := Scalars{
				{"meta_l_ct", r.LCt},
				{"meta_l_ct_fast", r.LCtFast},
				{"l_uni", r.LUni},
				{"grad_norm_l_ct_fast", r.NormCT},
				{"grad_norm_l_uni", r.NormUni},
				{"gamma", r.EffectiveGamma},
			}
			sums.step(metaSteps, scalars)
			return value, scalars, nil
		},
	}
}
