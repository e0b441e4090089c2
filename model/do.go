package model

import (
	"github.com/icl-msr/icl-msr/losses"
	"github.com/icl-msr/icl-msr/torch"
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

// DoLoss is L_msr (eq. 6) of the pass, with its weights A shared by a picture's
// views. Anchors are the projections of the first two views; positives and
// negatives the other pictures', or the target's where there is a target network;
// a queue joins the negatives.
func (p *Pass) DoLoss(s *torch.Scope) torch.Tensor {
	b := p.Pair()
	if c, ok := p.Method.(Contraster); ok {
		b = c.Contrast(s, p)
	}
	if p.Space == Embedding {
		return losses.Do(s, b, s.AllGather(p.Group, p.A), p.Temperature())
	}
	if s.Err() != nil {
		return torch.Tensor{}
	}
	pictures := s.Size(p.A, 0) * int64(p.Group.Size())
	positive := func(v int) torch.Tensor { return s.Reshape(p.W[v], pictures, s.Size(p.A, 1), -1) }
	// Positives of view 1 are made from view 2, and the other way round.
	return losses.DoPositives(s, b, positive(1), positive(0), p.Temperature())
}
