package nets

// head is a network with rows of known width at its end.
type head struct {
	*Sequential
	dim int64
}

func (h head) Dim() int64 { return h.dim }

// NewProjector is the projection head of the baseline (htdt/self-supervised):
// Linear, batch norm, ReLU, Linear, from in through hidden (1024) to out (64 on
// CIFAR, 128 otherwise).
func NewProjector(in, hidden, out int64) Encoder {
	return head{Seq(Linear(in, hidden), BatchNorm(hidden), ReLU(), Linear(hidden, out)), out}
}

// NewPredictor is the prediction head of methods with a target network, of the
// same form, from and to dim.
func NewPredictor(dim, hidden int64) Encoder { return NewProjector(dim, hidden, dim) }

// WithDim makes an encoder of a network whose outputs are known to have dim
// numbers.
func WithDim(n Network, dim int64) Encoder { return head{Named(Child{"", n}), dim} }

// Prototypes are n vectors of dim numbers: the outputs are the inputs' products
// with them, cosines where both have norm 1. They start with norm 1.
func Prototypes(dim, n int64) Encoder {
	return head{Seq(&layer{
		params: []Spec{{"weight", []int64{n, dim}, UnitRows()}},
		forward: func(s *Scope, p, _ []Tensor, x Tensor, _ Mode) Tensor {
			return s.Linear(x, p[0], Tensor{})
		},
	}), n}
}
