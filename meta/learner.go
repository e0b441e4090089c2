package meta

import (
	"fmt"

	"github.com/icl-msr/icl-msr/losses"
	"github.com/icl-msr/icl-msr/methods"
	"github.com/icl-msr/icl-msr/nets"
)

// Learner is the contrastive learner theta = (f, p): a backbone, a head and a
// method's loss, as functions of explicit parameters.
type Learner struct {
	Backbone nets.Encoder
	Head     nets.Encoder
	Method   methods.Method
}

// NewLearner puts a method's head on a backbone.
func NewLearner(backbone nets.Encoder, m methods.Method) Learner {
	return Learner{Backbone: backbone, Head: m.Head(backbone.Dim()), Method: m}
}

// Params describes theta: the backbone's, then the head's.
func (l Learner) Params() []nets.Spec {
	return append(nets.Prefix("backbone", l.Backbone.Params()), nets.Prefix("projector", l.Head.Params())...)
}

// Buffers describes the running statistics, in the same order.
func (l Learner) Buffers() []nets.Spec {
	return append(nets.Prefix("backbone", l.Backbone.Buffers()), nets.Prefix("projector", l.Head.Buffers())...)
}

// Embed maps pictures x [R, 3, H, W] to features h [R, dim] and embeddings z
// [R, d].
func (l Learner) Embed(s *Scope, theta, buffers []Tensor, x Tensor, m nets.Mode) (h, z Tensor) {
	np, nb := len(l.Backbone.Params()), len(l.Backbone.Buffers())
	if len(theta) < np || len(buffers) < nb {
		s.Fail(fmt.Errorf("meta: %d parameters and %d buffers for a backbone of %d and %d", len(theta), len(buffers), np, nb))
		return h, z
	}
	h = l.Backbone.Forward(s, theta[:np], buffers[:nb], x, m)
	return h, l.Head.Forward(s, theta[np:], buffers[nb:], h, m)
}

func (l Learner) headParams(theta []Tensor) []Tensor    { return theta[len(l.Backbone.Params()):] }
func (l Learner) headBuffers(buffers []Tensor) []Tensor { return buffers[len(l.Backbone.Buffers()):] }

// views splits embeddings of stacked views (view 1, then view 2).
func views(s *Scope, z Tensor) losses.Batch {
	n := s.Size(z, 0) / 2
	return losses.Local(s.Narrow(z, 0, 0, n), s.Narrow(z, 0, n, n))
}

// Loss is L_ct: the method's own loss of the stacked views' embeddings.
func (l Learner) Loss(s *Scope, z Tensor) Tensor { return l.Method.Loss(s, views(s, z)) }

// WeightWidth returns c, the entries of a weight vector in the given space.
func (l Learner) WeightWidth(space Space) int64 {
	if space == Feature {
		return l.Backbone.Dim()
	}
	return l.Head.Dim()
}

// DoLoss is L_msr (eq. 6) of the stacked views: h [2N, dim], z [2N, d] and
// weights a [N, n, c]. head are the head's parameters and buffers, used in
// feature space only: the weighted features pass it with the batch statistics
// of the un-weighted ones.
func (l Learner) DoLoss(s *Scope, space Space, head, buffers []Tensor, h, z, a Tensor, m nets.Mode) Tensor {
	tau := l.Method.Temperature()
	b := views(s, z)
	if space == Embedding {
		return losses.Do(s, b, a, tau)
	}
	rows, dim := s.Size(h, 0), s.Size(h, 1)
	n := s.Size(a, 1)
	f := views(s, h)
	// Positives of view 1 are made from view 2, and the other way round.
	weighted := s.Cat(0, s.Mul(a, s.Unsqueeze(f.Z2, 1)), s.Mul(a, s.Unsqueeze(f.Z1, 1))) // [2N, n, dim]
	stacked := s.Cat(0, h, s.Reshape(weighted, rows*n, dim))
	out := l.Head.Forward(s, head, buffers, stacked, m.Leading(rows))
	pos := s.Reshape(s.Narrow(out, 0, rows, rows*n), rows, n, -1)
	return losses.DoPositives(s, b, s.Narrow(pos, 0, 0, rows/2), s.Narrow(pos, 0, rows/2, rows/2), tau)
}
