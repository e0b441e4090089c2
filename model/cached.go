package model

import (
	"fmt"

	"github.com/icl-msr/icl-msr/nets"
	"github.com/icl-msr/icl-msr/torch"
)

// Gradient caching (Gao et al. 2021, "Scaling deep contrastive learning batch
// size under memory limited setup"): the losses see the networks' outputs alone,
// so that the gradient of a large batch is computed in two passes over its
// parts. The first keeps the outputs and no graph; the loss of all of them gives
// the gradient at each; the second runs each part again, with a graph that is
// freed before the next, and takes the gradients on to the parameters.

// Divide is the number of micro-batches of m pictures in n; of 0 pictures, which
// stands for all, it is 1. It fails s, and is 1, where m does not divide n.
func Divide(s *torch.Scope, n, m int64) int64 {
	if s.Err() != nil || m == 0 {
		return 1
	}
	if m < 0 || n%m != 0 {
		s.Fail(fmt.Errorf("model: micro-batches of %d pictures do not divide %d", m, n))
		return 1
	}
	return n / m
}

// MicroBatches are the micro-batches of the pass: passes of Micro pictures each, with the
// weights and the target's features that are theirs; the pass itself where it
// is not divided. Batch norms take the statistics of a part, over all ranks.
func (p *Pass) MicroBatches(s *torch.Scope) []*Pass {
	if p.Micro == 0 || len(p.Batch.Views) == 0 {
		return []*Pass{p}
	}
	count := Divide(s, s.Size(p.Batch.Views[0], 0), p.Micro)
	if count == 1 {
		return []*Pass{p}
	}
	parts := make([]*Pass, count)
	for i := range parts {
		q := *p
		q.shared, q.sharedOf = nil, nil
		part := func(x torch.Tensor) torch.Tensor {
			if !x.Defined() {
				return x
			}
			rows := s.Size(x, 0) / int64(len(parts)) // a picture has more where a method cuts it
			return s.Narrow(x, 0, int64(i)*rows, rows)
		}
		q.Batch.Views, q.Batch.TargetH = make([]torch.Tensor, len(p.Batch.Views)), make([]torch.Tensor, len(p.Batch.TargetH))
		for v, x := range p.Batch.Views {
			q.Batch.Views[v] = part(x)
		}
		for v, x := range p.Batch.TargetH {
			q.Batch.TargetH[v] = part(x)
		}
		q.A = part(p.A)
		parts[i] = &q
	}
	return parts
}

// Concat puts the parts' outputs together again.
func Concat(s *torch.Scope, parts []Local) Local {
	if len(parts) == 1 {
		return parts[0]
	}
	features, projected, weighted := make([][]torch.Tensor, len(parts)), make([][]torch.Tensor, len(parts)), make([][]torch.Tensor, len(parts))
	for i, l := range parts {
		features[i], projected[i], weighted[i] = l.Features, l.Projected, l.Weighted
	}
	return Local{concat(s, features), concat(s, projected), concat(s, weighted)}
}

// concat joins the k-th tensors of all parts along dimension 1.
func concat(s *torch.Scope, parts [][]torch.Tensor) []torch.Tensor {
	if len(parts) == 1 || s.Err() != nil {
		return parts[0]
	}
	out := make([]torch.Tensor, len(parts[0]))
	for k := range out {
		pieces := make([]torch.Tensor, len(parts))
		for i, part := range parts {
			pieces[i] = part[k]
		}
		out[k] = s.Cat(1, pieces...)
	}
	return out
}

// PartOf is what concat put together of the i-th of n parts.
func PartOf(s *torch.Scope, xs []torch.Tensor, i, n int) []torch.Tensor {
	out := make([]torch.Tensor, len(xs))
	for k, x := range xs {
		if x.Defined() {
			rows := s.Size(x, 1) / int64(n)
			out[k] = s.Narrow(x, 1, int64(i)*rows, rows)
		}
	}
	return out
}

// tape is what the second pass over a part needs where the first kept the inputs
// of the backbone's stages.
type tape struct {
	backbone []*nets.Recomputed // for each evaluation, in order of the groups of views
	random   torch.Generator    // before the projector
}

// Gradient returns the gradient by theta of the loss that f computes of the pass,
// after the networks ran. p.Theta become leaves. In a data-parallel job it is that
// of the whole batch, on all ranks. Where the pass has micro-batches or
// checkpoints, it is computed in two passes over the networks.
func (p *Pass) Gradient(s *torch.Scope, f func() torch.Tensor) []torch.Tensor {
	p.Theta, p.overlap = s.Leaves(p.Theta), true
	parts := p.MicroBatches(s)
	if len(parts) > 1 || p.Recompute {
		return p.cached(s, parts, f)
	}
	p.Forward(s)
	return s.Grad([]torch.Tensor{f()}, p.Theta, torch.GradOptions{})
}

// first is what the first pass over a part leaves.
type first struct {
	Local
	tape   *tape // of the only part: others run again as a whole
	random torch.Generator
}

func (p *Pass) cached(s *torch.Scope, parts []*Pass, f func() torch.Tensor) []torch.Tensor {
	device := s.Like(p.Theta[0]).Device
	done, outputs := make([]first, len(parts)), make([]Local, len(parts))
	torch.NoGrad(func() {
		for i, q := range parts {
			done[i].random = s.Generator(device)
			if p.Recompute && len(parts) == 1 {
				r := *q
				r.tape = &tape{}
				done[i].tape, outputs[i] = r.tape, r.Local(s)
			} else {
				s.Within(func(t *torch.Scope) { outputs[i] = q.Local(t).Held(s) })
			}
			done[i].Local = outputs[i]
		}
	})
	all := Concat(s, outputs)
	points := s.Leaves(append(all.Projected[:len(all.Projected):len(all.Projected)], all.Weighted...))
	p.Join(s, Local{Projected: points[:len(all.Projected)], Weighted: points[len(all.Projected):]})
	grads := s.Grad([]torch.Tensor{f()}, append(points[:len(points):len(points)], p.Theta...), torch.GradOptions{AllowUnused: true})
	if s.Err() != nil {
		return grads
	}
	seeds, direct := grads[:len(points)], grads[len(points):]
	sums := make([]torch.Tensor, p.local())
	for i := range sums {
		sums[i] = s.ZerosLike(s.Detach(p.Theta[i]))
	}
	after := s.Generator(device)
	for i, q := range parts {
		s.Within(func(t *torch.Scope) {
			done[i].random.Restore(t)
			q.backward(t, done[i], PartOf(t, seeds, i, len(parts)), sums)
		})
	}
	after.Restore(s)
	sums = s.TotalAll(p.Group, sums)
	s.AddAll(sums, direct[:len(sums)])              // a loss may use these networks again
	for i, g := range direct[copy(direct, sums):] { // the predictor and the like
		if !g.Defined() {
			s.Fail(fmt.Errorf("model: the loss of %s does not depend on %s", p.Name(), p.params[len(sums)+i].Name))
		}
	}
	return direct
}

// backward adds to sums what gradients at the networks' outputs are by backbone and
// projector, on this rank's pictures alone. The networks run as before; their
// running statistics have moved already. What a target network makes is constant.
func (p *Pass) backward(s *torch.Scope, done first, seeds, sums []torch.Tensor) {
	theta := s.Leaves(p.Theta[:p.local()])
	q := p.Apart(theta, p.Mode.WithoutUpdate())
	if p.networks.Target {
		q.A = torch.Tensor{}
	}
	if !p.Recompute {
		l := q.Local(s)
		s.AddAll(sums, back(s, l.Projected, l.Weighted, seeds, theta))
		return
	}
	if done.tape == nil {
		done.tape = &tape{}
		r := *q
		r.tape = done.tape
		torch.NoGrad(func() { done.Local = r.Local(s) })
	}
	features := s.Leaves(done.Features)
	done.tape.random.Restore(s)
	projected, weighted := q.heads(s, q.groups(s, false), features)
	grads := back(s, projected, weighted, seeds, append(theta[:len(theta):len(theta)], features...))
	s.AddAll(sums, grads[:len(theta)])
	at := p.spans[BackbonePart]
	evaluations := done.tape.backbone
	for i, group := range q.groups(s, false) {
		n := len(q.backboneSteps(group))
		if g := grads[len(theta)+i]; g.Defined() {
			for k, rows := range split(s, flat(s, g), n) {
				s.AddAll(sums[at.p:at.p+at.np], evaluations[k].Pull(s, rows))
			}
		}
		evaluations = evaluations[n:]
	}
}

// back are the gradients by something of outputs, with those at them; an output
// without one does not count.
func back(s *torch.Scope, projected, weighted, seeds, by []torch.Tensor) []torch.Tensor {
	var outputs, used []torch.Tensor
	for i, y := range append(projected, weighted...) {
		if seeds[i].Defined() {
			outputs, used = append(outputs, y), append(used, seeds[i])
		}
	}
	return s.Grad(outputs, by, torch.GradOptions{Seeds: used, AllowUnused: true})
}
