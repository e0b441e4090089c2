package meta

import (
	"fmt"

	"github.com/icl-msr/icl-msr/losses"
	"github.com/icl-msr/icl-msr/nets"
	"github.com/icl-msr/icl-msr/torch"
)

// The meta gradient is that of L_ct(theta1) + gamma L_uni(A) by phi, with A = f_msr(X; phi) and
//
//	theta1 = theta - alpha grad L_to(theta, A),    L_to = L_ct + lambda L_msr.
//
// phi acts through A alone. So the gradients of both terms at A are computed first, and then taken back through f_msr.
// For the first term, phi enters theta1 only by -alpha lambda grad L_msr. With v = grad L_ct at theta1 it is
//
//	-alpha lambda d/dA <grad L_msr(theta, A), v>,
//
// the gradient of the derivative of L_msr along v. Three ways:
//
//   - unrolled keeps the graph of grad L_to and differentiates L_ct(theta1) through it: Algorithm 1 as written.
//   - forward-mode takes tangents of the networks' outputs along v. The derivative of L_msr along v is then a function
//     of outputs, tangents and A, and no graph of the networks is kept.
//   - finite-difference (DARTS, arXiv 1806.09055) replaces the derivative along v by a difference of L_msr at
//     theta +- eps v, with eps = Radius/|v|.
//
// The first two are exact. With micro-batches or recomputation, unrolled takes the tangents from gradients of
// gradients, since no graph of the whole batch fits.

// FastWeights is eq. 7: theta1 = theta - alpha*grad, plain SGD.
func FastWeights(s *torch.Scope, theta, grad []torch.Tensor, alpha float64) []torch.Tensor {
	return s.AddScaled(theta, grad, -alpha)
}

// gradient computes both gradients at A and takes them back to phi.
func (p Problem) gradient(s *torch.Scope) (r measured, err error) {
	p.targets(s)
	defer torch.SetGrad(true)()
	a, vjp := p.Exec.VJP(s, p.MSR, p.Phi, p.PhiBuffers, p.Inner.Plain, nets.Meta())
	var ct, uni torch.Tensor // the gradients at A
	if p.Config.Ablation != UniformityOnly && p.Config.Lambda > 0 {
		if ct, err = p.contrastive(s, a, &r); err != nil {
			return r, err
		}
	}
	if n, _ := p.MSR.Shape(); n >= 2 {
		loss := losses.WeightUniformity(s, s.AllGather(p.Group, a), p.Config.UniformityT)
		r.uni = s.Detach(loss)
		uni = s.Grad([]torch.Tensor{loss}, []torch.Tensor{a}, torch.GradOptions{})[0]
	}
	grads := vjp([]torch.Tensor{ct, uni})
	r.GradCT, r.GradUni = grads[0], grads[1]
	if r.GradCT == nil { // theta1 does not depend on phi, or UniformityOnly
		r.GradCT = zerosLike(s, p.Phi)
	}
	p.balance(s, &r)
	return r, nil
}

// contrastive returns the gradient of L_ct(theta1) at A.
func (p Problem) contrastive(s *torch.Scope, a torch.Tensor, r *measured) (torch.Tensor, error) {
	switch way := p.Config.GradientMethod; {
	case way == Unrolled && p.inner(p.Theta, a, nets.Meta()).OneGraph(s):
		return p.unrolled(s, a, r), nil
	case way == Unrolled || way == ForwardMode:
		return p.alongTangents(s, a, r), nil
	case way == FiniteDifference:
		return p.finiteDifference(s, a, r), nil
	default:
		return torch.Tensor{}, fmt.Errorf("unknown way %q", way)
	}
}

// unrolled differentiates L_ct(theta1) through theta1. Both passes have the mode DoubleBackward, since a gradient has
// the memory layout of what it is the gradient of.
func (p Problem) unrolled(s *torch.Scope, a torch.Tensor, r *measured) torch.Tensor {
	theta := s.Leaves(p.Theta)
	q := p.inner(theta, a, nets.Meta().DoubleBackward())
	q.Forward(s)
	ct, msr, total := p.losses(s, q)
	grad := s.Grad([]torch.Tensor{total}, theta, torch.GradOptions{CreateGraph: true})
	theta1 := FastWeights(s, theta, grad, p.Config.Alpha)
	o := p.outer(theta1, nets.Meta().DoubleBackward())
	o.Forward(s)
	fast := o.Loss(s, o)
	at := s.Grad([]torch.Tensor{fast}, []torch.Tensor{a}, torch.GradOptions{})
	r.ct, r.msr, r.ctFast = s.Detach(ct), s.Detach(msr), s.Detach(fast)
	r.Fast = s.DetachAll(theta1)
	return at[0]
}

// direction returns v = grad L_ct at theta1, and fills in theta1 and the losses. The graph of each pass is freed before
// the next pass.
func (p Problem) direction(s *torch.Scope, a torch.Tensor, r *measured) (v []torch.Tensor) {
	s.Within(func(t *torch.Scope) {
		q := p.inner(p.Theta, t.Detach(a), nets.Meta())
		var ct, msr, total torch.Tensor
		grad := q.Gradient(t, func() torch.Tensor {
			ct, msr, total = p.losses(t, q)
			return total
		})
		r.Fast = s.HoldAll(FastWeights(t, t.DetachAll(p.Theta), grad, p.Config.Alpha))
		r.ct, r.msr = s.Hold(t.Detach(ct)), s.Hold(t.Detach(msr))
	})
	s.Within(func(t *torch.Scope) {
		q := p.outer(r.Fast, nets.Meta())
		var fast torch.Tensor
		v = s.HoldAll(q.Gradient(t, func() torch.Tensor {
			fast = q.Loss(t, q)
			return fast
		}))
		r.ctFast = s.Hold(t.Detach(fast))
	})
	return v
}

// alongTangents differentiates the derivative of L_msr along v, which is <grad L_msr, dz> at the networks' outputs z
// with tangents dz. In feature space z and dz depend on A, too.
func (p Problem) alongTangents(s *torch.Scope, a torch.Tensor, r *measured) torch.Tensor {
	v := p.direction(s, a, r)
	q := p.inner(p.Theta, a, nets.Meta())
	if s.Err() != nil {
		return torch.Tensor{}
	}
	y, tangent := q.Tangents(s, v, p.Config.GradientMethod == Unrolled)
	if s.Err() != nil {
		return torch.Tensor{}
	}
	z := y.Leaves(s)
	q.Join(s, z)
	grad := s.Grad([]torch.Tensor{q.DoLoss(s)}, z.Embeddings(),
		torch.GradOptions{CreateGraph: true, AllowUnused: true})
	used, dz := tangent.Match(grad)
	var at torch.Tensor
	if p.Config.Space == Embedding {
		at = s.Grad(used, []torch.Tensor{a}, torch.GradOptions{Seeds: dz})[0]
	} else {
		seeds := s.Grad(used, z.Weighted, torch.GradOptions{Seeds: dz, AllowUnused: true})
		at = q.Backward(s, y, seeds, tangent, s.DetachAll(grad[len(z.Projected):]))
	}
	return s.MulScalar(at, -p.Config.Alpha*p.Config.Lambda)
}

// finiteDifference takes L_msr's gradient at A on both sides of theta along v. Where v is zero so is the difference,
// whatever eps.
func (p Problem) finiteDifference(s *torch.Scope, a torch.Tensor, r *measured) torch.Tensor {
	v := p.direction(s, a, r)
	if s.Err() != nil {
		return torch.Tensor{}
	}
	norm := s.ClampMin(s.Norm(v), 1e-30)
	eps := s.Div(s.Full(p.Config.Radius, s.Like(norm)), norm)
	at := func(eps torch.Tensor) (g torch.Tensor) {
		s.Within(func(t *torch.Scope) { g = s.Hold(p.msrGradient(t, t.AddScaledBy(p.Theta, v, eps), a)) })
		return g
	}
	difference := s.Sub(at(eps), at(s.Neg(eps)))
	return s.Scaled(difference, s.Div(s.Full(-p.Config.Alpha*p.Config.Lambda, s.Like(norm)), s.MulScalar(eps, 2)))
}

// msrGradient returns the gradient of L_msr(theta, A) at A.
func (p Problem) msrGradient(s *torch.Scope, theta []torch.Tensor, a torch.Tensor) torch.Tensor {
	q := p.inner(theta, a, nets.Meta())
	y := q.Outputs(s)
	z := y.Leaves(s)
	q.Join(s, z)
	loss := []torch.Tensor{q.DoLoss(s)}
	if p.Config.Space == Embedding {
		return s.Grad(loss, []torch.Tensor{a}, torch.GradOptions{})[0]
	}
	return q.Backward(s, y, s.Grad(loss, z.Weighted, torch.GradOptions{}), nil, nil)
}

// balance adds gamma L_uni's gradient, and takes the norms of both. With GammaBalance, gamma is scaled so that they are
// equal.
func (p Problem) balance(s *torch.Scope, r *measured) {
	gamma := p.Config.Gamma
	r.normCT = s.Norm(r.GradCT)
	r.Grad = r.GradCT
	if r.GradUni != nil {
		r.normUni = s.MulScalar(s.Norm(r.GradUni), gamma)
	}
	if p.Config.Ablation == NoUniformity || gamma == 0 || r.GradUni == nil {
		return
	}
	r.gamma = s.Full(gamma, s.Like(r.normCT))
	if !p.Config.GammaBalance {
		r.Grad = s.AddScaled(r.GradCT, r.GradUni, gamma)
		return
	}
	zero := s.ZerosLike(r.normCT)
	both := s.Where(s.Gt(r.normUni, zero), s.Div(s.MulScalar(r.normCT, gamma), r.normUni), r.gamma)
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
