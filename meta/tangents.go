package meta

import (
	"github.com/icl-msr/icl-msr/model"
	"github.com/icl-msr/icl-msr/nets"
	"github.com/icl-msr/icl-msr/torch"
)

// byForwardMode returns what the networks make of a part of the inner batch at
// theta, and its tangents along v, without a graph.
func (p Problem) byForwardMode(s *torch.Scope, part *model.Pass, v []torch.Tensor) (y, dy model.Local) {
	values, tangents := s.JVP(func(theta []torch.Tensor) []torch.Tensor {
		y = part.Apart(theta, nets.Meta()).Local(s)
		return y.All()
	}, p.Theta, v)
	if s.Err() != nil {
		return model.Local{}, model.Local{}
	}
	return y.With(values), y.With(tangents)
}

// byReverse is the same by gradients of gradients: of the outputs' gradient by
// theta, which is linear in what it is seeded with, along v.
func (p Problem) byReverse(s *torch.Scope, part *model.Pass, v []torch.Tensor) (y, dy model.Local) {
	theta := s.Leaves(p.Theta)
	y = part.Apart(theta, nets.Meta().DoubleBackward()).Local(s)
	values := y.All()
	moving := len(values)
	if p.HasTarget() {
		moving -= len(y.Weighted) // the target network's are constant
	}
	tangents := zerosLike(s, values)
	seeds := s.Leaves(tangents[:moving])
	g := s.Grad(values[:moving], theta, torch.GradOptions{Seeds: seeds, CreateGraph: true, AllowUnused: true})
	var linear, along []torch.Tensor
	for i, t := range g {
		if t.Defined() {
			linear, along = append(linear, t), append(along, v[i])
		}
	}
	copy(tangents, s.Grad(linear, seeds, torch.GradOptions{Seeds: along}))
	return y.With(s.DetachAll(values)), y.With(tangents)
}
