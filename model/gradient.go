package model

import (
	"fmt"
	"slices"

	"github.com/icl-msr/icl-msr/nets"
	"github.com/icl-msr/icl-msr/torch"
)

// Gradient returns the gradient by theta of a loss of the pass. The loss is called once, when Y, Z and W are set.
// Theta become leaves. In a data-parallel job the gradient is that of the whole batch, on all ranks. With micro-batches
// or recomputation the networks run twice (gradient caching).
func (p *Pass) Gradient(s *torch.Scope, loss func() torch.Tensor) []torch.Tensor {
	p.Theta, p.overlap = s.Leaves(p.Theta), true
	micro := p.microPasses(s)
	if len(micro) > 1 || p.Recompute {
		return p.cachedGradient(s, micro, loss)
	}
	p.Forward(s)
	return s.Grad([]torch.Tensor{loss()}, p.Theta, torch.GradOptions{})
}

// Gradient caching (Gao et al. 2021, arXiv 2101.06983): losses see only the networks' outputs. The first run of each
// micro-batch keeps its outputs and no graph. The loss of all outputs gives the gradient at each of them. The second
// run of each micro-batch has a graph, which takes that gradient back to the parameters and is freed before the next.

// firstRun is what the first run of a micro-batch leaves for the second.
type firstRun struct {
	y      Outputs
	tape   *tape // only if the batch is not divided: micro-batches are recorded in the second run
	random torch.Generator
}

// tape records evaluations of the backbone that kept only the inputs of its stages.
type tape struct {
	backbone []*nets.Recomputed // each evaluation, in the order of the groups of views
	random   torch.Generator    // before the projector
}

func (p *Pass) cachedGradient(s *torch.Scope, micro []*Pass, loss func() torch.Tensor) []torch.Tensor {
	device := s.Like(p.Theta[0]).Device
	runs := p.firstRuns(s, micro)
	outputs := make([]Outputs, len(runs))
	for i, run := range runs {
		outputs[i] = run.y
	}
	z := concat(s, outputs).Leaves(s)
	p.Join(s, z)
	points := z.Embeddings()
	grads := s.Grad([]torch.Tensor{loss()}, slices.Concat(points, p.Theta), torch.GradOptions{AllowUnused: true})
	if s.Err() != nil {
		return grads
	}
	seeds, direct := grads[:len(points)], grads[len(points):] // direct: of uses of theta in the loss itself
	sums := zerosLike(s, p.Theta[:p.encoderParams()])
	after := s.Generator(device)
	for i, q := range micro {
		s.Within(func(t *torch.Scope) {
			runs[i].random.Restore(t)
			q.secondRun(t, runs[i], microBatch(t, seeds, i, len(micro)), sums)
		})
	}
	after.Restore(s)
	return p.total(s, sums, direct)
}

// total adds the encoder's gradients, summed over the ranks, to direct.
func (p *Pass) total(s *torch.Scope, sums, direct []torch.Tensor) []torch.Tensor {
	sums = s.TotalAll(p.Group, sums)
	s.AddAll(sums, direct[:len(sums)])
	for i, g := range direct[copy(direct, sums):] { // the predictor and the like
		if !g.Defined() {
			s.Fail(fmt.Errorf("model: the loss of %s does not depend on %s", p.Name(), p.params[len(sums)+i].Name))
		}
	}
	return direct
}

func (p *Pass) firstRuns(s *torch.Scope, micro []*Pass) []firstRun {
	defer torch.SetGrad(false)()
	device := s.Like(p.Theta[0]).Device
	runs := make([]firstRun, len(micro))
	for i, q := range micro {
		run := &runs[i]
		run.random = s.Generator(device)
		if p.Recompute && len(micro) == 1 {
			run.tape = &tape{}
			run.y = q.recorded(s, run.tape)
		} else {
			s.Within(func(t *torch.Scope) { run.y = q.forward(t).hold(s) })
		}
	}
	return runs
}

// recorded is forward, with the backbone recorded on a tape.
func (p *Pass) recorded(s *torch.Scope, t *tape) Outputs {
	q := *p
	q.tape = t
	return q.forward(s)
}

// secondRun takes seeds, gradients at the embeddings, back to the parameters of backbone and projector and adds them to
// sums: this rank's terms. The networks draw the numbers that they drew before. Running statistics have moved already,
// and a target network is constant.
func (p *Pass) secondRun(s *torch.Scope, run firstRun, seeds, sums []torch.Tensor) {
	theta := s.Leaves(p.Theta[:p.encoderParams()])
	q := p.at(theta, p.Mode.WithoutUpdate())
	if p.networks.Target {
		q.A = torch.Tensor{}
	}
	if !p.Recompute {
		s.AddAll(sums, vjp(s, q.forward(s), seeds, theta))
		return
	}
	if run.tape == nil {
		run.tape = &tape{}
		torch.NoGrad(func() { run.y = q.recorded(s, run.tape) })
	}
	features := s.Leaves(run.y.Features)
	run.tape.random.Restore(s)
	groups := q.groups(s, false)
	projected, weighted := q.project(s, groups, features)
	grads := vjp(s, Outputs{Projected: projected, Weighted: weighted}, seeds, slices.Concat(theta, features))
	s.AddAll(sums, grads[:len(theta)])
	q.recompute(s, run.tape.backbone, groups, grads[len(theta):], sums)
}

// recompute takes gradients at each group's features back through the backbone's recorded evaluations.
func (p *Pass) recompute(s *torch.Scope, evaluations []*nets.Recomputed, groups [][]int, at, sums []torch.Tensor) {
	for i, group := range groups {
		together := p.backboneGroups(s, group)
		if at[i].Defined() {
			rows := split(s, flat(s, at[i]), len(group))
			for k, views := range together {
				seeds := s.Cat(0, rows[:len(views)]...)
				s.AddAll(p.PartParams(BackbonePart, sums), evaluations[k].Pull(s, seeds))
				rows = rows[len(views):]
			}
		}
		evaluations = evaluations[len(together):]
	}
}

// vjp returns the gradients of <y, seeds> by inputs. An output without a seed does not count.
func vjp(s *torch.Scope, y Outputs, seeds, inputs []torch.Tensor) []torch.Tensor {
	points := y.Embeddings()
	used, outputs := defined(seeds[:len(points)], points)
	return s.Grad(outputs, inputs, torch.GradOptions{Seeds: used, AllowUnused: true})
}
