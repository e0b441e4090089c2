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
	Feature   Space = "feature"   // the backbone's pooled channels, which then pass the projector
)

// DoLoss is L_msr (eq. 6) of the pass with its weights A, which a picture's views share. Anchors are the embeddings of
// the first two views. Positives and negatives are the pair's candidates (Pair), and a queue's rows if the method is a
// Contraster that adds them.
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
	// The positives of view 1 are made from view 2, and vice versa.
	return losses.DoPositives(s, b, positive(1), positive(0), p.Temperature())
}
