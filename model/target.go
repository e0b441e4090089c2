package model

import (
	"github.com/icl-msr/icl-msr/nets"
	"github.com/icl-msr/icl-msr/torch"
)

// applyTarget runs a part of the target network.
func (p *Pass) applyTarget(s *torch.Scope, part string, x torch.Tensor, mode nets.Mode) torch.Tensor {
	at := p.spans[part]
	return at.net.Forward(s, at.target.of(p.State), at.running.of(p.State), x, p.sync(mode))
}

// Targets sets the batch's TargetH and TargetZ, the target network's features and embeddings, without a graph. A model
// without a target network does nothing.
func (p *Pass) Targets(s *torch.Scope) {
	if !p.networks.Target {
		return
	}
	defer torch.SetGrad(false)()
	groups := p.groups(s, true)
	micro := p.microPasses(s)
	out := make([]Outputs, len(micro))
	for i, q := range micro {
		s.Within(func(t *torch.Scope) { out[i] = q.targetOutputs(t, groups).hold(s) })
	}
	y := concat(s, out)
	p.Batch.TargetH = make([]torch.Tensor, len(p.Batch.Views))
	for i, x := range y.Features {
		for k, h := range split(s, flat(s, x), len(groups[i])) {
			p.Batch.TargetH[groups[i][k]] = h
		}
	}
	p.Batch.TargetZ = p.arrange(s, p.gather(s, groups, y.Projected))
}

// targetOutputs runs the target network on the whole batch.
func (p *Pass) targetOutputs(s *torch.Scope, groups [][]int) (y Outputs) {
	backbone := func(s *torch.Scope, x torch.Tensor) torch.Tensor { return p.applyTarget(s, BackbonePart, x, p.Mode) }
	for _, g := range groups {
		h := p.features(s, g, backbone)
		projected, _ := p.head(s, p.applyTarget, len(g), 0, h, p.Mode)
		y.Features = append(y.Features, byView(s, h, len(g)))
		y.Projected = append(y.Projected, projected)
	}
	return y
}

// targetFeatures are those of a group's views, under each other.
func (p *Pass) targetFeatures(s *torch.Scope, group []int) torch.Tensor {
	views := make([]torch.Tensor, len(group))
	for k, v := range group {
		views[k] = p.Batch.TargetH[v]
	}
	return s.Cat(0, views...)
}

// Embed returns the embeddings [n, d] of this rank's pictures x, by the target network if there is one, with running
// statistics and without a graph.
func (p *Pass) Embed(s *torch.Scope, x torch.Tensor) torch.Tensor {
	defer torch.SetGrad(false)()
	run := runner(p.apply)
	if p.networks.Target {
		run = p.applyTarget
	}
	return run(s, ProjectorPart, run(s, BackbonePart, x, nets.Eval()), nets.Eval())
}
