package meta

import (
	"fmt"

	"github.com/icl-msr/icl-msr/losses"
	"github.com/icl-msr/icl-msr/model"
	"github.com/icl-msr/icl-msr/nets"
	"github.com/icl-msr/icl-msr/torch"
)

// Problem is one meta step: everything the meta gradient depends on.
type Problem struct {
	*model.Model
	Config
	MSR             *nets.MSR
	Theta, Buffers  []torch.Tensor // of the model
	ModelState      []torch.Tensor // of the model; constant here
	Phi, PhiBuffers []torch.Tensor // of f_msr
	Inner           model.Batch    // the batch of the fast weights
	Outer           model.Batch    // the batch of L_ct(theta1); the paper uses the inner one
	Clock           model.Clock
	Group           *torch.Group // of a data-parallel job, whose batches are this rank's share
	Micro           int64        // pictures of this rank that the networks see at a time; 0: all
	Recompute       bool         // as in methods.Pass; `unrolled` then takes the tangents from gradients of gradients, too
	LocalNorm       bool         // as Trainer's
}

// FastWeights is eq. 7: theta1 = theta - alpha*grad, plain SGD.
func FastWeights(s *torch.Scope, theta, grad []torch.Tensor, alpha float64) []torch.Tensor {
	return s.AddScaled(theta, grad, -alpha)
}

// Gradient computes the meta gradient (eq. 8) in the way that Config.Gradient
// names. Batch norm uses batch statistics; no running statistics and no
// parameter change. The result lives in s. The caller holds its OS thread.
// In a data-parallel job all ranks get the gradient of the whole batch: fast
// weights, v and the tangents at the embeddings are the same on all of them.
//
// The exact ways agree. `unrolled` keeps the graph of the inner gradient and
// differentiates through it. `forward-mode` uses that phi enters theta1 only by
// -alpha*lambda*grad L_msr: with v = grad L_ct at theta1, the gradient is
// -alpha*lambda * d/dphi of the derivative of L_msr along v at theta, whose
// tangents at the networks' outputs come from one forward-mode pass, so no graph
// of the network is kept. `finite-difference` (DARTS) replaces that derivative by
// a difference of L_msr's gradients at theta +- eps v, eps = Radius/|v|.
//
// In micro-batches no way keeps more than one's graph: theta1 and v come from
// methods.Pass.Gradient, and `unrolled` takes the tangents from gradients of
// gradients, part by part.
func (p Problem) Gradient(s *torch.Scope) (Result, error) {
	r, err := p.Queue(s)
	if err == nil {
		err = r.Read(s)
	}
	if err != nil {
		return Result{}, err
	}
	return r, nil
}

// Queue is Gradient without Read: it does not wait for a device.
func (p Problem) Queue(s *torch.Scope) (Result, error) {
	r, err := p.gradient(s)
	r.Figures = s.Figures(r.ct, r.msr, r.ctFast, r.uni, r.normCT, r.normUni, r.gamma)
	if err == nil {
		err = s.Err()
	}
	if err != nil {
		return Result{}, fmt.Errorf("meta gradient: %w", err)
	}
	return r.Result, nil
}

func (p Problem) gradient(s *torch.Scope) (r measured, err error) {
	p.targets(s)
	defer torch.SetGrad(true)()
	a, back := p.weights(s)
	var ct, uni torch.Tensor // the gradients at A
	if p.Ablation != UniformityOnly && p.Lambda > 0 {
		switch p.Config.Gradient {
		case Unrolled, ForwardMode:
			ct = p.exact(s, a, &r)
		case FiniteDifference:
			ct = p.finiteDifference(s, a, &r)
		default:
			return r, fmt.Errorf("unknown way %q", p.Config.Gradient)
		}
	}
	if n, _ := p.MSR.Shape(); n >= 2 {
		loss := losses.WeightUniformity(s, s.AllGather(p.Group, a), p.UniformityT)
		r.uni = s.Detach(loss)
		uni = s.Grad([]torch.Tensor{loss}, []torch.Tensor{a}, torch.GradOptions{})[0]
	}
	grads := back([]torch.Tensor{ct, uni})
	r.GradCT, r.GradUni = grads[0], grads[1]
	if r.GradCT == nil {
		r.GradCT = zerosLike(s, p.Phi) // theta1 does not depend on phi, or is not to
	}
	p.balance(s, &r)
	return r, nil
}

// targets lets the target network, which is constant here, see each batch once.
func (p *Problem) targets(s *torch.Scope) {
	same := p.Outer.Views[0] == p.Inner.Views[0]
	for _, b := range []*model.Batch{&p.Inner, &p.Outer} {
		q := p.at(nil, *b, nets.Meta())
		q.Targets(s)
		*b = q.Batch
		if same {
			p.Outer = p.Inner
			return
		}
	}
}

// at is a pass of the model at theta.
func (p Problem) at(theta []torch.Tensor, b model.Batch, m nets.Mode) *model.Pass {
	return &model.Pass{Model: p.Model, Theta: theta, Buffers: p.Buffers, State: p.ModelState, Batch: b, Mode: m, Clock: p.Clock,
		Group: p.Group, LocalNorm: p.LocalNorm, Micro: p.Micro, Recompute: p.Recompute}
}

// inner is a pass of the inner batch at theta, with its weights (eq. 5).
func (p Problem) inner(theta []torch.Tensor, a torch.Tensor, m nets.Mode) *model.Pass {
	q := p.at(theta, p.Inner, m)
	q.Space, q.A = p.Space, a
	return q
}

// outer is a pass of the outer batch at theta1 (the first term of eq. 8).
func (p Problem) outer(fast []torch.Tensor, m nets.Mode) *model.Pass {
	q := p.at(fast, p.Outer, m)
	q.OwnLoss = true
	return q
}

// losses are L_ct, L_msr and L_to of an inner pass after its networks ran.
func (p Problem) losses(s *torch.Scope, q *model.Pass) (ct, msr, total torch.Tensor) {
	ct, msr = q.Loss(s, q), q.DoLoss(s)
	return ct, msr, s.Add(ct, s.MulScalar(msr, p.Lambda))
}

// exact returns the gradient of L_ct(theta1) at A.
func (p Problem) exact(s *torch.Scope, a torch.Tensor, r *measured) torch.Tensor {
	q := p.inner(p.Theta, a, nets.Meta())
	parts := q.MicroBatches(s)
	if p.Config.Gradient == Unrolled && len(parts) == 1 && !p.Recompute {
		return p.unrolled(s, a, r)
	}
	tangents := p.byForwardMode
	if p.Config.Gradient == Unrolled {
		tangents = p.byReverse
	}
	v := p.direction(s, a, r)
	points, along := make([]model.Local, len(parts)), make([]model.Local, len(parts))
	for i, part := range parts {
		s.Within(func(t *torch.Scope) {
			y, dy := tangents(t, part, v)
			points[i], along[i] = y.Held(s), dy.Held(s)
		})
	}
	if s.Err() != nil {
		return torch.Tensor{}
	}
	all, d := model.Concat(s, points), model.Concat(s, along)
	projected := len(all.Projected)
	outputs := s.Leaves(append(all.Projected[:projected:projected], all.Weighted...))
	q.Join(s, model.Local{Projected: outputs[:projected], Weighted: outputs[projected:]})
	g := s.Grad([]torch.Tensor{q.DoLoss(s)}, outputs, torch.GradOptions{CreateGraph: true, AllowUnused: true})
	var derivative, seeds []torch.Tensor // of L_msr along v: the sum of their products
	for i, t := range append(d.Projected[:projected:projected], d.Weighted...) {
		if g[i].Defined() { // what L_msr depends on
			derivative, seeds = append(derivative, g[i]), append(seeds, t)
		}
	}
	by := outputs[projected:]
	if p.Space == Embedding {
		by = []torch.Tensor{a}
	}
	at := s.Grad(derivative, by, torch.GradOptions{Seeds: seeds, AllowUnused: p.Space == Feature})
	if p.Space == Feature {
		at[0] = p.throughWeights(s, parts, points, at, &second{s.DetachAll(g[projected:]), along, v})
	}
	return s.MulScalar(at[0], -p.Alpha*p.Lambda) // the derivative of theta1 by grad L_msr
}

func (p Problem) unrolled(s *torch.Scope, a torch.Tensor, r *measured) torch.Tensor {
	theta := s.Leaves(p.Theta)
	m := nets.Meta().DoubleBackward() // of both passes: a gradient has the layout of what it came from
	q := p.inner(theta, a, m)
	q.Forward(s)
	ct, msr, total := p.losses(s, q)
	g := s.Grad([]torch.Tensor{total}, theta, torch.GradOptions{CreateGraph: true})
	r.Fast = FastWeights(s, theta, g, p.Alpha)
	o := p.outer(r.Fast, m)
	o.Forward(s)
	loss := o.Loss(s, o)
	at := s.Grad([]torch.Tensor{loss}, []torch.Tensor{a}, torch.GradOptions{})
	r.ct, r.msr, r.ctFast = s.Detach(ct), s.Detach(msr), s.Detach(loss)
	r.Fast = s.DetachAll(r.Fast)
	return at[0]
}

// direction returns v = grad L_ct at theta1, and fills in theta1 and the
// losses. Each pass through the network is freed before the next begins.
func (p Problem) direction(s *torch.Scope, a torch.Tensor, r *measured) (v []torch.Tensor) {
	s.Within(func(t *torch.Scope) {
		q := p.inner(p.Theta, t.Detach(a), nets.Meta())
		var ct, msr, total torch.Tensor
		g := q.Gradient(t, func() torch.Tensor {
			ct, msr, total = p.losses(t, q)
			return total
		})
		r.Fast = s.HoldAll(FastWeights(t, t.DetachAll(p.Theta), g, p.Alpha))
		r.ct, r.msr = s.Hold(t.Detach(ct)), s.Hold(t.Detach(msr))
	})
	s.Within(func(t *torch.Scope) {
		q := p.outer(r.Fast, nets.Meta())
		var loss torch.Tensor
		v = s.HoldAll(q.Gradient(t, func() torch.Tensor {
			loss = q.Loss(t, q)
			return loss
		}))
		r.ctFast = s.Hold(t.Detach(loss))
	})
	return v
}

func (p Problem) finiteDifference(s *torch.Scope, a torch.Tensor, r *measured) torch.Tensor {
	v := p.direction(s, a, r)
	if s.Err() != nil {
		return torch.Tensor{}
	}
	// Where v is zero so is the difference, whatever eps.
	norm := s.ClampMin(s.Norm(v), 1e-30)
	eps := s.Div(s.Full(p.Radius, s.Like(norm)), norm)
	at := func(eps torch.Tensor) (g torch.Tensor) {
		s.Within(func(t *torch.Scope) {
			q := p.inner(t.AddScaledBy(p.Theta, v, eps), a, nets.Meta())
			parts := q.MicroBatches(t)
			points := make([]model.Local, len(parts))
			torch.NoGrad(func() {
				for i, part := range parts {
					t.Within(func(u *torch.Scope) { points[i] = part.Local(u).Held(t) })
				}
			})
			all := model.Concat(t, points)
			all.Weighted = t.Leaves(all.Weighted)
			q.Join(t, all)
			by := all.Weighted
			if p.Space == Embedding {
				by = []torch.Tensor{a}
			}
			at := t.Grad([]torch.Tensor{q.DoLoss(t)}, by, torch.GradOptions{})
			if p.Space == Feature {
				at[0] = p.throughWeights(t, parts, points, at, nil)
			}
			g = s.Hold(at[0])
		})
		return g
	}
	difference := s.Sub(at(eps), at(s.Neg(eps)))
	return s.Scaled(difference, s.Div(s.Full(-p.Alpha*p.Lambda, s.Like(norm)), s.MulScalar(eps, 2)))
}

// balance adds gamma L_uni's gradient, and takes the norms of both.
func (p Problem) balance(s *torch.Scope, r *measured) {
	r.normCT = s.Norm(r.GradCT)
	r.Grad = r.GradCT
	if r.GradUni != nil {
		r.normUni = s.MulScalar(s.Norm(r.GradUni), p.Gamma)
	}
	if p.Ablation == NoUniformity || p.Gamma == 0 || r.GradUni == nil {
		return
	}
	r.gamma = s.Full(p.Gamma, s.Like(r.normCT))
	if !p.GammaBalance {
		r.Grad = s.AddScaled(r.GradCT, r.GradUni, p.Gamma)
		return
	}
	zero := s.ZerosLike(r.normCT)
	both := s.Where(s.Gt(r.normUni, zero), s.Div(s.MulScalar(r.normCT, p.Gamma), r.normUni), r.gamma)
	r.gamma = s.Where(s.Gt(r.normCT, zero), both, r.gamma)
	r.Grad = s.AddScaledBy(r.GradCT, r.GradUni, r.gamma)
}

func zerosLike(s *torch.Scope, ts []torch.Tensor) []torch.Tensor {
	out := make([]torch.Tensor, len(ts))
	for i, t := range ts {
		out[i] = s.ZerosLike(s.Detach(t))
	}
	return out
}
