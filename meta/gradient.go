package meta

import (
	"fmt"

	"github.com/icl-msr/icl-msr/internal/libtorch"
	"github.com/icl-msr/icl-msr/losses"
	"github.com/icl-msr/icl-msr/nets"
)

// Pictures are a batch on the device: N pictures un-augmented, and their two
// views stacked (view 1, then view 2).
type Pictures struct {
	Plain Tensor // [N, 3, S, S]
	Views Tensor // [2N, 3, S, S]
}

// Problem is one meta step: everything the meta gradient depends on.
type Problem struct {
	Learner
	Config
	MSR             *nets.MSR
	Theta, Buffers  []Tensor // of the learner
	Phi, PhiBuffers []Tensor // of f_msr
	Inner           Pictures // the batch of the fast weights
	Outer           Pictures // the batch of L_ct(theta1); the paper uses the inner one
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
	defer libtorch.SetGrad(true)()
	phi := s.Leaves(p.Phi)
	a := p.MSR.Forward(s, phi, p.PhiBuffers, p.Inner.Plain, nets.Meta())
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

// inner returns L_ct, L_msr and L_to at theta (eq. 5).
func (p Problem) inner(s *Scope, theta []Tensor, a Tensor, m nets.Mode) (ct, msr, total Tensor) {
	h, z := p.Embed(s, theta, p.Buffers, p.Inner.Views, m)
	ct = p.Loss(s, z)
	msr = p.doLoss(s, theta, h, z, a)
	return ct, msr, s.Add(ct, s.MulScalar(msr, p.Lambda))
}

func (p Problem) doLoss(s *Scope, theta []Tensor, h, z, a Tensor) Tensor {
	return p.DoLoss(s, p.Space, p.headParams(theta), p.headBuffers(p.Buffers), h, z, a, nets.Meta())
}

// outer returns L_ct at theta1 (the first term of eq. 8).
func (p Problem) outer(s *Scope, fast []Tensor, m nets.Mode) Tensor {
	_, z := p.Embed(s, fast, p.Buffers, p.Outer.Views, m)
	return p.Loss(s, z)
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
	// In embedding space the tangent goes through the head; in feature space it
	// stops before it, and the head is differentiated twice in reverse.
	through := p.Theta
	if p.Space == Feature {
		through = p.Theta[:len(p.Backbone.Params())]
	}
	var points, tangents []Tensor
	within(s, func(t *Scope) {
		y, dy := t.JVP(func(theta []Tensor) []Tensor {
			if p.Space == Feature {
				return []Tensor{p.Backbone.Forward(t, theta, p.Buffers[:len(p.Backbone.Buffers())], p.Inner.Views, nets.Meta())}
			}
			_, z := p.Embed(t, theta, p.Buffers, p.Inner.Views, nets.Meta())
			return []Tensor{z}
		}, through, v[:len(through)])
		points, tangents = s.HoldAll(y), s.HoldAll(dy)
	})
	if s.Err() != nil {
		return
	}
	var msr Tensor
	if p.Space == Feature {
		points = append(points, p.headParams(p.Theta)...)
		tangents = append(tangents, p.headParams(v)...)
		points = s.Leaves(points)
		h, head := points[0], points[1:]
		z := p.Head.Forward(s, head, p.headBuffers(p.Buffers), h, nets.Meta())
		msr = p.DoLoss(s, p.Space, head, p.headBuffers(p.Buffers), h, z, a, nets.Meta())
	} else {
		points = s.Leaves(points)
		msr = p.DoLoss(s, p.Space, nil, nil, Tensor{}, points[0], a, nets.Meta())
	}
	g := s.Grad([]Tensor{msr}, points, libtorch.GradOptions{CreateGraph: true})
	r.GradCT = s.Grad(g, phi, libtorch.GradOptions{Seeds: tangents, RetainGraph: true})
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
			var h, z Tensor
			libtorch.NoGrad(func() { h, z = p.Embed(t, theta, p.Buffers, p.Inner.Views, nets.Meta()) })
			msr := p.doLoss(t, theta, h, z, a)
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
		uni := losses.WeightUniformity(s, a, p.T)
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
