package nets

import "github.com/icl-msr/icl-msr/torch"

// Divisible is an encoder that can be replaced by networks of half its width, each for some of a picture's channels.
type Divisible interface {
	// Half returns the same network at half the width, for pictures of so many channels.
	Half(channels int64) (Encoder, error)
}

// Side is an encoder of some columns of an input: of channels of pictures [N, c, H, W] or of entries of rows [N, c].
type Side struct {
	Name    string // before the names of its parameters, with a dot
	Columns int64  // how many it takes
	Net     Encoder
}

// sides runs each network on its own columns.
type sides struct {
	parts           []Side
	params, buffers []Spec
	dim             int64
}

// Sides gives the columns of its input to its parts, in order, and puts their outputs side by side.
func Sides(parts ...Side) Encoder {
	q := &sides{parts: parts}
	for _, part := range parts {
		q.params = append(q.params, Prefix(part.Name, part.Net.Params())...)
		q.buffers = append(q.buffers, Prefix(part.Name, part.Net.Buffers())...)
		q.dim += part.Net.Dim()
	}
	return q
}

func (q *sides) Params() []Spec  { return q.params }
func (q *sides) Buffers() []Spec { return q.buffers }
func (q *sides) Dim() int64      { return q.dim }

func (q *sides) Forward(s *torch.Scope, p, b []torch.Tensor, x torch.Tensor, m Mode) torch.Tensor {
	if !Check(s, "network", q.params, p) || !Check(s, "network's buffers", q.buffers, b) {
		return torch.Tensor{}
	}
	out, from := make([]torch.Tensor, len(q.parts)), int64(0)
	for i, part := range q.parts {
		np, nb := len(part.Net.Params()), len(part.Net.Buffers())
		out[i] = part.Net.Forward(s, p[:np], b[:nb], s.Narrow(x, 1, from, part.Columns), m)
		p, b, from = p[np:], b[nb:], from+part.Columns
	}
	return s.Cat(1, out...)
}
