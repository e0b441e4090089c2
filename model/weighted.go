package model

import (
	"slices"

	"github.com/icl-msr/icl-msr/nets"
	"github.com/icl-msr/icl-msr/torch"
)

// In feature space A multiplies the pooled features of a picture, and the projector takes the weighted copies.

// runner runs a part of the online or of the target network.
type runner func(s *torch.Scope, part string, x torch.Tensor, mode nets.Mode) torch.Tensor

// weighed is how many views of a group have weighted copies. These are of the first two views, by the network that the
// anchors are compared with.
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

// head runs the projector on the features h [views*n*rows, dim] of some views, with the weighted copies of the first
// `weighed` of them behind. Batch norms take the statistics of h alone.
func (p *Pass) head(s *torch.Scope, run runner, views, weighed int, h torch.Tensor,
	mode nets.Mode) (y, w torch.Tensor) {
	if s.Err() != nil {
		return
	}
	all := h
	if weighed > 0 {
		stacked := []torch.Tensor{h}
		for _, x := range split(s, h, views)[:weighed] {
			// [n, 1, rows, dim] by [n, k, 1, dim]; a picture has several rows if the method is a Cutter.
			x = s.Mul(s.Unsqueeze(p.A, 2), s.Reshape(x, s.Size(p.A, 0), 1, -1, p.Backbone.Dim()))
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
	copies := int64(weighed) * s.Size(p.A, 0) * s.Size(p.A, 1)
	plain := s.Size(all, 0) - copies
	return byView(s, s.Narrow(all, 0, 0, plain), views), byView(s, s.Narrow(all, 0, plain, copies), weighed)
}

// weigh returns Outputs.Weighted from given features; with a target network, from its features. Running statistics
// stay as they are.
func (p *Pass) weigh(s *torch.Scope, features []torch.Tensor) (out []torch.Tensor) {
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
			h = p.targetFeatures(s, g)
		} else {
			h = flat(s, features[i])
		}
		_, w := p.head(s, run, len(g), n, h, p.Mode.WithoutUpdate())
		out = append(out, w)
	}
	return out
}

// Backward takes seeds, gradients at the weighted projections W = y.Weighted, back to A: it returns the gradient at A
// of <seeds, W>. If tangent is not nil, it adds the gradient of <tangentSeeds, dW>, where dW are W's tangents, which
// depend on A as well. dW is not computed again: <G, dW> is <dG, tangents>, with dG the gradient of <G, W> by what W is
// made of, the features and the projector.
func (p *Pass) Backward(s *torch.Scope, y Outputs, seeds []torch.Tensor, tangent *Tangent,
	tangentSeeds []torch.Tensor) torch.Tensor {
	micro := p.microPasses(s)
	out := make([]torch.Tensor, len(micro))
	for i, q := range micro {
		s.Within(func(t *torch.Scope) {
			rows := func(xs []torch.Tensor) []torch.Tensor { return microBatch(t, xs, i, len(micro)) }
			q = q.at(q.Theta, q.Mode)
			q.A = t.Leaves([]torch.Tensor{q.A})[0]
			features := rows(y.Features)
			var g torch.Tensor
			if tangent == nil || p.networks.Target { // a target network's W does not depend on theta
				g = t.Grad(q.weigh(t, features), []torch.Tensor{q.A}, torch.GradOptions{Seeds: rows(seeds)})[0]
			} else {
				dh := rows(tangent.Outputs.Features)
				g = q.backwardTwice(t, features, rows(seeds), rows(tangentSeeds), slices.Concat(dh, tangent.V))
			}
			out[i] = s.Hold(g)
		})
	}
	return s.Cat(0, out...)
}

// backwardTwice is Backward of one micro-batch with tangents; d are those of its features and of theta.
func (p *Pass) backwardTwice(s *torch.Scope, features, seeds, tangentSeeds, d []torch.Tensor) torch.Tensor {
	p.Theta, features = s.Leaves(p.Theta), s.Leaves(features)
	outputs := p.weigh(s, features)
	// The seeds are leaves, so that every gradient has a graph.
	g := s.Grad(outputs, slices.Concat(features, p.Theta), torch.GradOptions{
		Seeds: s.Leaves(tangentSeeds), CreateGraph: true, AllowUnused: true})
	for k := range g {
		if g[k].Defined() {
			outputs, seeds = append(outputs, g[k]), append(seeds, d[k])
		}
	}
	return s.Grad(outputs, []torch.Tensor{p.A}, torch.GradOptions{Seeds: seeds})[0]
}
