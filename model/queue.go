package model

import (
	"github.com/icl-msr/icl-msr/losses"
	"github.com/icl-msr/icl-msr/nets"
	"github.com/icl-msr/icl-msr/torch"
)

// QueueSpec describes a queue of embeddings [rows, dim], random at first, for Networks.State.
func QueueSpec(name string, rows, dim int64) nets.Spec {
	return nets.Spec{Name: name, Shape: []int64{rows, dim}, Init: nets.Normal(1)}
}

// Enqueue puts rows, L2-normalised, at the head of a queue of the method's state. As many old rows leave at its end.
func (p *Pass) Enqueue(s *torch.Scope, name string, rows ...torch.Tensor) {
	queue, head := p.StateTensor(s, name), s.Normalize(s.Cat(0, rows...))
	size, n := s.Size(queue, 0), s.Size(head, 0)
	if s.Err() != nil {
		return
	}
	if n >= size {
		s.Copy(queue, s.Narrow(head, 0, 0, size))
		return
	}
	s.Copy(queue, s.Cat(0, head, s.Narrow(queue, 0, 0, size-n)))
}

// PairWithQueue is Pair with the rows of a queue as further negatives.
func (p *Pass) PairWithQueue(s *torch.Scope, name string) losses.Pair {
	b := p.Pair()
	b.Queue = p.StateTensor(s, name)
	return b
}
