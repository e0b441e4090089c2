package model

import (
	"slices"

	"github.com/icl-msr/icl-msr/nets"
	"github.com/icl-msr/icl-msr/torch"
)

// Outputs are what backbone and projector compute from this rank's pictures, for each group of views that pass them
// together. Losses see nothing else of these networks. Dimension 1 is that of the pictures.
type Outputs struct {
	Features  []torch.Tensor // the backbone's [V, n, dim], of V views
	Projected []torch.Tensor // the projector's, of the features [V, n, d]
	// Weighted are the projector's, of weighted features of the first two views [V, n*k, d], picture by picture. Only
	// the first groups have them, and only if A weighs features. If there is a target network they are of its features.
	Weighted []torch.Tensor
}

// Embeddings are Projected and Weighted: what losses are computed from.
func (y Outputs) Embeddings() []torch.Tensor { return slices.Concat(y.Projected, y.Weighted) }

// Leaves are the embeddings of y as leaves of a new graph, without Features.
func (y Outputs) Leaves(s *torch.Scope) Outputs {
	n := len(y.Projected)
	leaves := s.Leaves(y.Embeddings())
	return Outputs{Projected: leaves[:n:n], Weighted: leaves[n:]}
}

// all are the tensors of y.
func (y Outputs) all() []torch.Tensor { return slices.Concat(y.Features, y.Projected, y.Weighted) }

// with is y with other tensors, in the order of all.
func (y Outputs) with(ts []torch.Tensor) Outputs {
	f, p := len(y.Features), len(y.Features)+len(y.Projected)
	return Outputs{ts[:f:f], ts[f:p:p], ts[p:]}
}

// hold keeps y in s.
func (y Outputs) hold(s *torch.Scope) Outputs { return y.with(s.HoldAll(y.all())) }

// Outputs runs the networks without a graph, micro-batch by micro-batch.
func (p *Pass) Outputs(s *torch.Scope) Outputs {
	defer torch.SetGrad(false)()
	micro := p.microPasses(s)
	out := make([]Outputs, len(micro))
	for i, q := range micro {
		s.Within(func(t *torch.Scope) { out[i] = q.forward(t).hold(s) })
	}
	return concat(s, out)
}

// Join sets Y, Z and W from outputs. Embeddings of all ranks are gathered: from here on every rank has the same.
func (p *Pass) Join(s *torch.Scope, y Outputs) {
	p.Y = p.gather(s, p.groups(s, false), y.Projected)
	p.Z, p.W = p.arrange(s, p.Y), nil
	if len(y.Weighted) > 0 {
		p.W = p.arrange(s, p.gather(s, p.groups(s, p.networks.Target), y.Weighted))
	}
}

// arrange returns the compared embeddings, from the projector's outputs.
func (p *Pass) arrange(s *torch.Scope, y []torch.Tensor) []torch.Tensor {
	if a, ok := p.Method.(Arranger); ok {
		return a.Arrange(s, y)
	}
	return y
}

// forward runs the networks on the whole batch.
func (p *Pass) forward(s *torch.Scope) (y Outputs) {
	groups := p.groups(s, false)
	for _, g := range groups {
		y.Features = append(y.Features, byView(s, p.features(s, g, p.backbone), len(g)))
	}
	if p.tape != nil {
		p.tape.random = s.Generator(s.Like(p.Batch.Views[0]).Device)
	}
	y.Projected, y.Weighted = p.project(s, groups, y.Features)
	if p.networks.Target {
		y.Weighted = p.weigh(s, nil)
	}
	return y
}

// features are a group's features by run, the views' under each other.
func (p *Pass) features(s *torch.Scope, group []int,
	run func(s *torch.Scope, x torch.Tensor) torch.Tensor) torch.Tensor {
	var out []torch.Tensor
	for _, g := range p.backboneGroups(s, group) {
		out = append(out, run(s, p.stack(s, g)))
	}
	if len(out) == 1 {
		return out[0]
	}
	return s.Cat(0, out...)
}

// backbone runs the backbone, recorded on the tape if there is one.
func (p *Pass) backbone(s *torch.Scope, x torch.Tensor) torch.Tensor {
	if p.tape == nil || s.Err() != nil {
		return p.Apply(s, BackbonePart, x)
	}
	at := p.spans[BackbonePart]
	c := nets.Recompute(s, at.net, at.params.of(p.Theta), at.buffers.of(p.Buffers), x, p.sync(p.Mode))
	p.tape.backbone = append(p.tape.backbone, c)
	return c.Output
}

// project runs the projector on the features of each group.
func (p *Pass) project(s *torch.Scope, groups [][]int, features []torch.Tensor) (projected, weighted []torch.Tensor) {
	for i, g := range groups {
		y, w := p.head(s, p.apply, len(g), p.weighed(g, false), flat(s, features[i]), p.Mode)
		projected = append(projected, y)
		if w.Defined() {
			weighted = append(weighted, w)
		}
	}
	return projected, weighted
}
