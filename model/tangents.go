package model

import "github.com/icl-msr/icl-msr/torch"

// Tangent is a direction of theta and the derivative of a pass's outputs along it.
type Tangent struct {
	V       []torch.Tensor // of theta
	Outputs Outputs        // by Pass.Tangents
}

// Tangents returns the networks' outputs and their tangents along v, a direction of theta, without a graph. It takes
// one forward-mode pass (JVP) or, if reverse is set, gradients of gradients.
func (p *Pass) Tangents(s *torch.Scope, v []torch.Tensor, reverse bool) (Outputs, *Tangent) {
	run := (*Pass).forwardMode
	if reverse {
		run = (*Pass).reverseMode
	}
	micro := p.microPasses(s)
	y, dy := make([]Outputs, len(micro)), make([]Outputs, len(micro))
	for i, q := range micro {
		s.Within(func(t *torch.Scope) {
			yi, dyi := run(q, t, v)
			y[i], dy[i] = yi.hold(s), dyi.hold(s)
		})
	}
	return concat(s, y), &Tangent{v, concat(s, dy)}
}

// forwardMode is Tangents of one micro-batch, by LibTorch's forward mode.
func (p *Pass) forwardMode(s *torch.Scope, v []torch.Tensor) (y, dy Outputs) {
	values, tangents := s.JVP(func(theta []torch.Tensor) []torch.Tensor {
		y = p.at(theta, p.Mode).forward(s)
		return y.all()
	}, p.Theta, v)
	if s.Err() != nil {
		return Outputs{}, Outputs{}
	}
	return y.with(values), y.with(tangents)
}

// reverseMode is Tangents of one micro-batch, by gradients of gradients. The outputs' gradient by theta is linear in
// its seeds; the gradient of its product with v, by the seeds, are the tangents.
func (p *Pass) reverseMode(s *torch.Scope, v []torch.Tensor) (y, dy Outputs) {
	theta := s.Leaves(p.Theta)
	y = p.at(theta, p.Mode.DoubleBackward()).forward(s)
	values := y.all()
	moving := len(values)
	if p.networks.Target {
		moving -= len(y.Weighted) // the target network does not depend on theta
	}
	tangents := zerosLike(s, values)
	seeds := s.Leaves(tangents[:moving])
	g := s.Grad(values[:moving], theta, torch.GradOptions{Seeds: seeds, CreateGraph: true, AllowUnused: true})
	linear, along := defined(g, v)
	copy(tangents, s.Grad(linear, seeds, torch.GradOptions{Seeds: along}))
	return y.with(s.DetachAll(values)), y.with(tangents)
}

// Match returns the defined ones of gradients at the embeddings (Outputs.Embeddings), and the tangents there.
func (t *Tangent) Match(grads []torch.Tensor) (used, tangents []torch.Tensor) {
	return defined(grads, t.Outputs.Embeddings())
}

// defined returns the defined tensors of xs, and the tensors of ys in the same places.
func defined(xs, ys []torch.Tensor) (x, y []torch.Tensor) {
	for i, t := range xs {
		if t.Defined() {
			x, y = append(x, t), append(y, ys[i])
		}
	}
	return x, y
}
