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
	if space == Feature || m.Projector == nil {
		return m.Backbone.Dim()
	}
	return m.Projector.Dim()
}

// DoLoss is L_msr (eq. 6) of the pass, with weights a [N, n, c] shared by a
// picture's views. Anchors are the projections of the first two views;
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
		return losses.Do(s, b, a, p.Temperature())
	}
	h, project := p.H, p.apply
	if p.networks.Target {
		h, project = p.Batch.TargetH, p.applyTarget
	}
	n, rows, dim := s.Size(a, 1), 2*s.Size(h[0], 0), s.Size(h[0], 1)
	// Positives of view 1 are made from view 2, and the other way round.
	weighted := s.Cat(0, s.Mul(a, s.Unsqueeze(h[1], 1)), s.Mul(a, s.Unsqueeze(h[0], 1))) // [2N, n, dim]
	stacked := s.Cat(0, h[0], h[1], s.Reshape(weighted, rows*n, dim))
	out := project(s, ProjectorPart, stacked, p.Mode.Still().Leading(rows))
	pos := s.Reshape(s.Narrow(out, 0, rows, rows*n), rows, n, -1)
	return losses.DoPositives(s, b, s.Narrow(pos, 0, 0, rows/2), s.Narrow(pos, 0, rows/2, rows/2), p.Temperature())
}
