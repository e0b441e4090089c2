package nets

import "github.com/icl-msr/icl-msr/torch"

// head is a network with rows of known width at its end.
type head struct {
	*Sequential
	dim int64
}

func (h head) Dim() int64 { return h.dim }

// Biases says which layers of a head have a bias. A batch norm after a layer takes
// its bias away again.
type Biases int

// The choices of biases.
const (
	EveryBias  Biases = iota // every layer
	HiddenBias               // every layer but the last: VICReg
	NoBias                   // none: Barlow Twins, SimSiam's projector
	LastBias                 // the last layer alone: SimSiam's predictor
)

// LastNorm says what a head has at its end.
type LastNorm int

// The choices of the norm at a head's end.
const (
	NoNorm    LastNorm = iota // nothing
	Affine                    // a batch norm: SimCLR
	NonAffine                 // one without parameters: SimSiam
)

// HeadConfig describes a head: hidden layers, each with batch norm and activation,
// and a last one.
type HeadConfig struct {
	Hidden, Out int64
	Layers      int // in all, 1 or more
	Biases      Biases
	WithoutNorm bool // of the hidden layers: MoCo v2
	Last        LastNorm
	Activation  Network // nil: ReLU
}

// NewHead is a head on in features.
func NewHead(in int64, c HeadConfig) Encoder {
	var parts []Network
	if c.Activation == nil {
		c.Activation = ReLU()
	}
	for range c.Layers - 1 {
		parts = append(parts, linear(in, c.Hidden, c.Biases == EveryBias || c.Biases == HiddenBias))
		if !c.WithoutNorm {
			parts = append(parts, BatchNorm(c.Hidden))
		}
		parts, in = append(parts, c.Activation), c.Hidden
	}
	parts = append(parts, linear(in, c.Out, c.Biases == EveryBias || c.Biases == LastBias))
	switch c.Last {
	case Affine:
		parts = append(parts, BatchNorm(c.Out))
	case NonAffine:
		parts = append(parts, plainNorm(c.Out))
	}
	return head{Seq(parts...), c.Out}
}

// linear is Linear, or the same without a bias.
func linear(in, out int64, bias bool) Network {
	if bias {
		return Linear(in, out)
	}
	return &layer{
		params: []Spec{{"weight", []int64{out, in}, LinearUniform(in)}},
		forward: func(s *torch.Scope, p, _ []torch.Tensor, x torch.Tensor, _ Mode) torch.Tensor {
			return s.Linear(x, p[0], torch.Tensor{})
		},
		node: Node{Op: OpProduct},
	}
}

// plainNorm is BatchNorm without parameters.
func plainNorm(c int64) Network {
	return &layer{
		buffers: normBuffers("", c),
		forward: func(s *torch.Scope, _, b []torch.Tensor, x torch.Tensor, m Mode) torch.Tensor {
			o := s.Like(x)
			return s.BatchNorm(x, norm([]torch.Tensor{s.Full(1, o, c), s.Full(0, o, c)}, b), m.norm())
		},
	}
}

// NewProjector is the projection head of the baseline (htdt/self-supervised)
// without its norm at the end: Linear, batch norm, ReLU, Linear, from in through
// hidden (1024) to out (64 on CIFAR, 128 otherwise).
func NewProjector(in, hidden, out int64) Encoder {
	return NewHead(in, HeadConfig{Hidden: hidden, Out: out, Layers: 2})
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
		forward: func(s *torch.Scope, p, _ []torch.Tensor, x torch.Tensor, _ Mode) torch.Tensor {
			return s.Linear(x, p[0], torch.Tensor{})
		},
	}), n}
}
