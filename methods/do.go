package methods

import (
	"github.com/icl-msr/icl-msr/losses"
)

// Space says what the weights a_t multiply.
type Space string

// The spaces of the weights.
const (
	Embedding Space = "embedding" // the projection: c is its width
	Feature   Space = "feature"   // the pooled backbone channels, which then pass the projector
)

// WeightWidth returns c, the entries of a weight vector in the given space.
func (m *Model) WeightWidth(space Space) int64 {
	switch {
	case space == Feature || m.Projector == nil:
		return m.Backbone.Dim()
	case m.networks.Dim > 0:
		return m.networks.Dim
	}
	return m.Projector.Dim()
}

// DoLoss is L_msr (eq. 6) of the pass, with weights a [N, n, c] of this rank's
// pictures, shared by a picture's views. Anchors are the projections of the first two views;
// positives and negatives the other pictures', or the target's where there is
// a target network; a queue joins the negatives. In feature space the weighted
// features pass the projector with the batch statistics of the un-weighted
// ones.
func (p *Pass) DoLoss(s *Scope, space Space, a Tensor) Tensor {
	b := p.Pair()
	if c, ok := p.Method.(Contraster); ok {
		b = c.Contrast(s, p)
	}
	if space == Embedding {
		return losses.Do(s, b, s.AllGather(p.Group, a), p.Temperature())
	}
	h, run := p.H, runner(p.apply)
	if p.networks.Target {
		h, run = p.Batch.TargetH, p.applyTarget
	}
	pictures, n := s.Size(a, 0), s.Size(a, 1)
	y := make([]Tensor, len(h))
	for _, g := range p.groups(s, p.networks.Target) {
		if g[0] > 1 {
			continue
		}
		g = g[:min(2, len(g))]
		rows := s.Size(h[g[0]], 0) / max(1, pictures) // of a picture
		stacked := make([]Tensor, len(g), 2*len(g))
		for k, v := range g {
			stacked[k] = h[v]
			weighted := s.Mul(s.Unsqueeze(a, 2), s.Reshape(h[v], pictures, 1, rows, -1)) // [N, n, rows, dim]
			stacked = append(stacked, s.Reshape(weighted, pictures*n*rows, -1))
		}
		plain := int64(len(g)) * pictures
		out := run(s, ProjectorPart, s.Cat(0, stacked...), p.Mode.Still().Leading(plain*rows))
		for k, v := range g {
			y[v] = s.AllGather(p.Group, s.Narrow(out, 0, plain+int64(k)*pictures*n, pictures*n))
		}
	}
	z := p.arrange(s, y)
	pictures *= int64(p.Group.Size())
	positive := func(v int) Tensor { return s.Reshape(z[v], pictures, n, -1) }
	// Positives of view 1 are made from view 2, and the other way round.
	return losses.DoPositives(s, b, positive(1), positive(0), p.Temperature())
}
