package meta

import (
	"fmt"

	"github.com/icl-msr/icl-msr/internal/libtorch"
	"github.com/icl-msr/icl-msr/losses"
	"github.com/icl-msr/icl-msr/methods"
	"github.com/icl-msr/icl-msr/nets"
)

// Problem is one meta step: everything the meta gradient depends on.
type Problem struct {
	*methods.Model
	Config
	MSR             *nets.MSR
	Theta, Buffers  []Tensor      // of the model
	ModelState      []Tensor      // of the model; constant here
	Phi, PhiBuffers []Tensor      // of f_msr
	Inner           methods.Batch // the batch of the fast weights
	Outer           methods.Batch // the batch of L_ct(theta1); the paper uses the inner one
	Clock           methods.Clock
	Group           *libtorch.Group // of a data-parallel job, whose batches are this rank's share
	LocalNorm       bool            // as Trainer's
}

// Result is the meta gradient and what it was made of.
type Result struct {
	Grad           []Tensor // of L_ct(theta1) + gamma L_uni by phi
	GradCT         []Tensor // of L_ct(theta1) alone
	GradUni        []Tensor // of L_uni alone; empty where gamma is 0
	Fast           []Tensor // theta1
	LCt, LMsr      float64  // at theta
	LCtFast        float64  // L_ct at theta1
	LUni           float64
	NormCT         float64 // |GradCT|
	NormUni        float64 // |gamma GradUni|, before any balancing
	EffectiveGamma float64 // gamma after balancing
}

// FastWeights is eq. 7: theta1 = theta - alpha*grad, plain SGD.
func FastWeights(s *Scope, theta, grad []Tensor, alpha float64) []Tensor {
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
// tangents at the embeddings come from one forward-mode pass, so no graph of
// the network is kept. `finite-difference` (DARTS) replaces that derivative by
// a difference of L_msr's phi-gradients at theta +- eps v, eps = Radius/|v|.
func (p Problem) Gradient(s *Scope) (Result, error) {
	r, err := p.gradient(s)
	if err == nil {
		err = s.Err()
	}
	if err != nil {
		return Result{}, fmt.Errorf("meta gradient: %w", err)
	}
	return r, nil
}

func (p Problem) gradient(s *Scope) (r Result, err error) {
	p.targets(s)
	defer libtorch.SetGrad(true)()
	phi := s.Leaves(p.Phi)
	a := p.MSR.Forward(s, s.Share(p.Group, phi, false), p.PhiBuffers, p.Inner.Plain, nets.Meta().Across(p.norms()))
	if p.Ablation != UniformityOnly && p.Lambda > 0 {
		switch p.Config.Gradient {
		case Unrolled:
			p.unrolled(s, phi, a, &r)
		case ForwardMode:
			p.forwardMode(s, phi, a, &r)
		case FiniteDifference:
			p.finiteDifference(s, phi, a, &r)
		default:
			return r, fmt.Errorf("unknown way %q", p.Config.Gradient)
		}
	} else {
		r.GradCT = zerosLike(s, phi) // theta1 does not depend on phi, or is not to
	}
	p.addUniformity(s, phi, a, &r)
	return r, nil
}

// targets lets the target network, which is constant here, see each batch once.
func (p *Problem) targets(s *Scope) {
	same := p.Outer.Views[0] == p.Inner.Views[0]
	for _, b := range []*methods.Batch{&p.Inner, &p.Outer} {
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
func (p Problem) at(theta []Tensor, b methods.Batch, m nets.Mode) *methods.Pass {
	return &methods.Pass{Model: p.Model, Theta: theta, Buffers: p.Buffers, State: p.ModelState, Batch: b, Mode: m, Clock: p.Clock, Group: p.Group, LocalNorm: p.LocalNorm}
}

// inner returns L_ct, L_msr and L_to at theta (eq. 5).
func (p Problem) inner(s *Scope, theta []Tensor, a Tensor, m nets.Mode) (ct, msr, total Tensor) {
	q := p.at(theta, p.Inner, m)
	q.Forward(s)
	ct = q.Loss(s, q)
	msr = q.DoLoss(s, p.Space, a)
	return ct, msr, s.Add(ct, s.MulScalar(msr, p.Lambda))
}

// outer returns L_ct at theta1 (the first term of eq. 8).
func (p Problem) outer(s *Scope, fast []Tensor, m nets.Mode) Tensor {
	q := p.at(fast, p.Outer, m)
	q.OwnLoss = true
	q.Forward(s)
	return q.Loss(s, q)
}

func (p Problem) unrolled(s *Scope, phi []Tensor, a Tensor, r *Result) {
	theta := s.Leaves(p.Theta)
	m := nets.Meta().Twice() // of both passes: a gradient has the layout of what it came from
	ct, msr, total := p.inner(s, theta, a, m)
	g := s.Grad([]Tensor{total}, theta, libtorch.GradOptions{CreateGraph: true})
	r.Fast = FastWeights(s, theta, g, p.Alpha)
	loss := p.outer(s, r.Fast, m)
	r.GradCT = s.Grad([]Tensor{loss}, phi, libtorch.GradOptions{RetainGraph: true})
	r.LCt, r.LMsr, r.LCtFast = s.Item(ct), s.Item(msr), s.Item(loss)
	r.Fast = s.DetachAll(r.Fast)
}

// direction returns v = grad L_ct at theta1, and fills in theta1 and the
// losses. Each pass through the network is freed before the next begins.
func (p Problem) direction(s *Scope, a Tensor, r *Result) (v []Tensor) {
	within(s, func(t *Scope) {
		theta := t.Leaves(p.Theta)
		ct, msr, total := p.inner(t, theta, t.Detach(a), nets.Meta())
		g := t.Grad([]Tensor{total}, theta, libtorch.GradOptions{})
		r.Fast = s.HoldAll(t.DetachAll(FastWeights(t, t.DetachAll(theta), g, p.Alpha)))
		r.LCt, r.LMsr = t.Item(ct), t.Item(msr)
	})
	within(s, func(t *Scope) {
		fast := t.Leaves(r.Fast)
		loss := p.outer(t, fast, nets.Meta())
		v = s.HoldAll(t.Grad([]Tensor{loss}, fast, libtorch.GradOptions{}))
		r.LCtFast = t.Item(loss)
	})
	return v
}

func (p Problem) forwardMode(s *Scope, phi []Tensor, a Tensor, r *Result) {
	v := p.direction(s, a, r)
	// In embedding space the tangent goes through the projector; in feature space
	// it stops before it, and the projector is differentiated twice in reverse.
	theta := p.Theta
	if p.Space == Feature {
		theta = theta[:len(p.Backbone.Params())]
	}
	rest := len(theta)
	var points, tangents []Tensor
	within(s, func(t *Scope) {
		y, dy := t.JVP(func(theta []Tensor) []Tensor {
			q := p.at(append(theta, p.Theta[rest:]...), p.Inner, nets.Meta())
			q.Features(t)
			if p.Space == Feature {
				return q.Stacked
			}
			q.Project(t)
			return q.Z
		}, theta, v[:rest])
		points, tangents = s.HoldAll(y), s.HoldAll(dy)
	})
	if s.Err() != nil {
		return
	}
	outputs := len(points)
	points = s.Leaves(append(points, p.Theta[rest:]...))
	q := p.at(append(p.Theta[:rest:rest], points[outputs:]...), p.Inner, nets.Meta())
	if p.Space == Feature {
		q.Stacked = points[:outputs]
		q.Project(s)
	} else {
		q.Z = points[:outputs]
	}
	msr := q.DoLoss(s, p.Space, a)
	g := s.Grad([]Tensor{msr}, points, libtorch.GradOptions{CreateGraph: true, AllowUnused: true})
	var along, seeds []Tensor
	for i, t := range append(tangents, v[rest:]...) {
		if g[i].Defined() { // what L_msr depends on
			along, seeds = append(along, g[i]), append(seeds, t)
		}
	}
	r.GradCT = s.Grad(along, phi, libtorch.GradOptions{Seeds: seeds, RetainGraph: true})
	p.scale(s, r)
}

func (p Problem) finiteDifference(s *Scope, phi []Tensor, a Tensor, r *Result) {
	v := p.direction(s, a, r)
	norm := norm(s, v)
	if s.Err() != nil || norm == 0 {
		r.GradCT = zerosLike(s, phi)
		return
	}
	eps := p.Radius / norm
	at := func(eps float64) (g []Tensor) {
		within(s, func(t *Scope) {
			theta := t.AddScaled(p.Theta, v, eps)
			q := p.at(theta, p.Inner, nets.Meta())
			libtorch.NoGrad(func() { q.Forward(t) })
			msr := q.DoLoss(t, p.Space, a)
			g = s.HoldAll(t.Grad([]Tensor{msr}, phi, libtorch.GradOptions{RetainGraph: true}))
		})
		return g
	}
	plus, minus := at(eps), at(-eps)
	difference := s.AddScaled(plus, minus, -1)
	r.GradCT = s.AddScaled(zerosLike(s, phi), difference, 1/(2*eps))
	p.scale(s, r)
}

// scale multiplies by -alpha*lambda, the derivative of theta1 by grad L_msr.
func (p Problem) scale(s *Scope, r *Result) {
	r.GradCT = s.AddScaled(zerosLike(s, r.GradCT), r.GradCT, -p.Alpha*p.Lambda)
}

// addUniformity adds gamma L_uni's gradient, and takes the norms of both.
func (p Problem) addUniformity(s *Scope, phi []Tensor, a Tensor, r *Result) {
	r.NormCT = norm(s, r.GradCT)
	r.Grad, r.EffectiveGamma = r.GradCT, p.Gamma
	if n, _ := p.MSR.Shape(); n >= 2 {
		uni := losses.WeightUniformity(s, s.AllGather(p.Group, a), p.T)
		r.LUni = s.Item(uni)
		r.GradUni = s.Grad([]Tensor{uni}, phi, libtorch.GradOptions{RetainGraph: true})
		r.NormUni = p.Gamma * norm(s, r.GradUni)
	}
	if p.Ablation == NoUniformity || p.Gamma == 0 || r.GradUni == nil {
		r.EffectiveGamma = 0
		return
	}
	if p.GammaBalance && r.NormUni > 0 && r.NormCT > 0 {
		r.EffectiveGamma = p.Gamma * r.NormCT / r.NormUni
	}
	r.Grad = s.AddScaled(r.GradCT, r.GradUni, r.EffectiveGamma)
}

func zerosLike(s *Scope, ts []Tensor) []Tensor {
	out := make([]Tensor, len(ts))
	for i, t := range ts {
		out[i] = s.ZerosLike(s.Detach(t))
	}
	return out
}
