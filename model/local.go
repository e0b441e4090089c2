package model

import (
	"github.com/icl-msr/icl-msr/nets"
	"github.com/icl-msr/icl-msr/torch"
)

// Local is what backbone and projector make of a pass's pictures on this rank,
// for each group of views that they see together (of one size and kind). The
// losses know no more of the networks: a batch can be taken in parts along
// dimension 1.
type Local struct {
	Features  []torch.Tensor // what the backbone makes [V, n, dim] of V views
	Projected []torch.Tensor // what the projector makes of it [V, n, d]
	// Weighted is what the projector makes of the first two views' weighted
	// features [V, n*k, d], a picture's together. The first groups have them, and
	// only where A weighs features; where there is a target network, of its features.
	Weighted []torch.Tensor
}

// All are the tensors of l.
func (l Local) All() []torch.Tensor {
	return append(append(append([]torch.Tensor(nil), l.Features...), l.Projected...), l.Weighted...)
}

// With is l with other tensors, in the order of All.
func (l Local) With(ts []torch.Tensor) Local {
	f, p := len(l.Features), len(l.Features)+len(l.Projected)
	return Local{ts[:f:f], ts[f:p:p], ts[p:]}
}

// Held is l with handles of s's own.
func (l Local) Held(s *torch.Scope) Local { return l.With(s.HoldAll(l.All())) }

// Local runs the networks.
func (p *Pass) Local(s *torch.Scope) (l Local) {
	groups := p.groups(s, false)
	for _, g := range groups {
		l.Features = append(l.Features, byView(s, p.features(s, g, p.backbone), len(g)))
	}
	if p.tape != nil {
		p.tape.random = s.Generator(s.Like(p.Batch.Views[0]).Device)
	}
	l.Projected, l.Weighted = p.heads(s, groups, l.Features)
	if p.networks.Target {
		l.Weighted = p.Weigh(s, nil)
	}
	return l
}

// features are what the backbone, by run, makes of a group's views, under each other.
func (p *Pass) features(s *torch.Scope, group []int, run func(s *torch.Scope, x torch.Tensor) torch.Tensor) torch.Tensor {
	var out []torch.Tensor
	for _, g := range p.backboneSteps(group) {
		out = append(out, run(s, p.cut(s, p.stack(s, g))))
	}
	if len(out) == 1 {
		return out[0]
	}
	return s.Cat(0, out...)
}

// heads runs the projector on the features of each group.
func (p *Pass) heads(s *torch.Scope, groups [][]int, features []torch.Tensor) (projected, weighted []torch.Tensor) {
	for i, g := range groups {
		y, w := p.head(s, p.apply, len(g), p.weighed(g, false), flat(s, features[i]), p.Mode)
		projected = append(projected, y)
		if w.Defined() {
			weighted = append(weighted, w)
		}
	}
	return projected, weighted
}

// backbone runs the backbone, onto the tape if there is one.
func (p *Pass) backbone(s *torch.Scope, x torch.Tensor) torch.Tensor {
	if p.tape == nil || s.Err() != nil {
		return p.Apply(s, BackbonePart, x)
	}
	at := p.spans[BackbonePart]
	c := nets.Recompute(s, at.net, p.Theta[at.p:at.p+at.np], p.Buffers[at.b:at.b+at.nb], x, p.Mode.SyncOver(Norms(p.Group, p.LocalNorm)))
	p.tape.backbone = append(p.tape.backbone, c)
	return c.Output
}

// Apart is the pass at other parameters, whose gradients are the terms of this
// rank's pictures alone: they are not summed over ranks.
func (p *Pass) Apart(theta []torch.Tensor, mode nets.Mode) *Pass {
	q := *p
	q.Theta, q.Mode, q.apart, q.shared, q.sharedOf = theta, mode, true, nil, nil
	return &q
}

// Weigh is what Local weighs, of given features; where there is a target network
// of its features, whatever is given. The running statistics stay.
func (p *Pass) Weigh(s *torch.Scope, features []torch.Tensor) (out []torch.Tensor) {
	run, target := runner(p.apply), p.networks.Target
	if target {
		run = p.applyTarget
	}
	for i, g := range p.groups(s, target) {
		n := p.weighed(g, target)
		if n == 0 || s.Err() != nil {
			break
		}
		h := torch.Tensor{}
		if target {
			views := make([]torch.Tensor, len(g))
			for k, v := range g {
				views[k] = p.Batch.TargetH[v]
			}
			h = s.Cat(0, views...)
		} else {
			h = flat(s, features[i])
		}
		_, w := p.head(s, run, len(g), n, h, p.Mode.WithoutUpdate())
		out = append(out, w)
	}
	return out
}

// weighed is how many views of a group have weighted copies: of the first two, by
// the network whose views are compared with.
func (p *Pass) weighed(group []int, target bool) (n int) {
	if !p.A.Defined() || p.Space != Feature || target != p.networks.Target {
		return 0
	}
	for _, v := range group {
		if v < 2 {
			n++
		}
	}
	return n
}

// head runs the projector on the features h of some views [views*n*rows, dim],
// with the weighted copies of the first of them, if any, behind: these pass with
// the batch statistics of the un-weighted ones.
func (p *Pass) head(s *torch.Scope, run runner, views, weighed int, h torch.Tensor, mode nets.Mode) (y, w torch.Tensor) {
	if s.Err() != nil {
		return
	}
	all, k := h, int64(0)
	if weighed > 0 {
		pictures, copies := s.Size(p.A, 0), s.Size(p.A, 1)
		k = int64(weighed) * pictures * copies
		stacked := []torch.Tensor{h}
		for _, x := range split(s, h, views)[:weighed] {
			// [n, 1, rows, dim] by [n, k, 1, dim]; a picture has more rows where a method cuts it.
			x = s.Mul(s.Unsqueeze(p.A, 2), s.Reshape(x, pictures, 1, -1, p.Backbone.Dim()))
			stacked = append(stacked, s.Reshape(x, -1, p.Backbone.Dim()))
		}
		all, mode = s.Cat(0, stacked...), mode.Leading(s.Size(h, 0))
	}
	if p.Projector != nil {
		all = run(s, ProjectorPart, all, mode)
	}
	if weighed == 0 {
		return byView(s, all, views), torch.Tensor{}
	}
	plain := s.Size(all, 0) - k
	return byView(s, s.Narrow(all, 0, 0, plain), views), byView(s, s.Narrow(all, 0, plain, k), weighed)
}

// byView takes rows apart by view [views, n, d].
func byView(s *torch.Scope, x torch.Tensor, views int) torch.Tensor {
	if s.Err() != nil {
		return torch.Tensor{}
	}
	return s.Reshape(x, int64(views), s.Size(x, 0)/int64(views), -1)
}

// flat puts views under each other again.
func flat(s *torch.Scope, x torch.Tensor) torch.Tensor { return s.Reshape(x, -1, s.Size(x, -1)) }

// Join sets Y, Z and W from what the networks made: from here on all ranks have
// the same.
func (p *Pass) Join(s *torch.Scope, l Local) {
	p.Y = p.gathered(s, p.groups(s, false), l.Projected)
	p.Z, p.W = p.arrange(s, p.Y), nil
	if len(l.Weighted) > 0 {
		p.W = p.arrange(s, p.gathered(s, p.groups(s, p.networks.Target), l.Weighted))
	}
}

// gathered takes groups [V, n, d] of views to each view's rows of all ranks [N, d]. Views that
// no group has stay undefined.
func (p *Pass) gathered(s *torch.Scope, groups [][]int, xs []torch.Tensor) []torch.Tensor {
	out := make([]torch.Tensor, len(p.Batch.Views))
	for i, x := range xs {
		views := int(s.Size(x, 0))
		if s.Err() != nil {
			break
		}
		for k, y := range split(s, s.AllGatherParts(p.Group, flat(s, x), views), views) {
			out[groups[i][k]] = y
		}
	}
	return out
}

// Forward is Local and Join.
func (p *Pass) Forward(s *torch.Scope) { p.Join(s, p.Local(s)) }

// Targets computes what the target network makes of the batch's views, without
// a graph, into the batch. A model without a target does nothing.
func (p *Pass) Targets(s *torch.Scope) {
	if !p.networks.Target {
		return
	}
	defer torch.SetGrad(false)()
	groups := p.groups(s, true)
	parts := p.MicroBatches(s)
	features, projected := make([][]torch.Tensor, len(parts)), make([][]torch.Tensor, len(parts))
	for i, q := range parts {
		s.Within(func(t *torch.Scope) {
			for _, g := range groups {
				h := q.features(t, g, func(t *torch.Scope, x torch.Tensor) torch.Tensor { return q.applyTarget(t, BackbonePart, x, q.Mode) })
				y, _ := q.head(t, q.applyTarget, len(g), 0, h, q.Mode)
				features[i], projected[i] = append(features[i], s.Hold(byView(t, h, len(g)))), append(projected[i], s.Hold(y))
			}
		})
	}
	p.Batch.TargetH = make([]torch.Tensor, len(p.Batch.Views))
	for i, x := range concat(s, features) {
		for k, h := range split(s, flat(s, x), len(groups[i])) {
			p.Batch.TargetH[groups[i][k]] = h
		}
	}
	p.Batch.TargetZ = p.arrange(s, p.gathered(s, groups, concat(s, projected)))
}
