package nets

import "github.com/icl-msr/icl-msr/torch"

// head is a network whose output rows have dim entries.
type head struct {
	*Sequential
	dim int64
}

func (h head) Dim() int64 { return h.dim }

// Biases says which layers of a head have a bias. A batch norm after a layer removes the layer's bias.
type Biases int

// The choices of biases.
const (
	EveryBias  Biases = iota // every layer
	HiddenBias               // every layer but the last: VICReg
	NoBias                   // none: Barlow Twins, SimSiam's projector
	LastBias                 // only the last layer: SimSiam's predictor
)

// LastNorm is the norm at a head's end.
type LastNorm int

// The choices of the last norm.
const (
	NoNorm    LastNorm = iota // nothing
	Affine                    // a batch norm: SimCLR
	NonAffine                 // a batch norm without parameters: SimSiam
)

// HeadConfig describes a head: hidden layers, each with batch norm and activation, and a last layer.
type HeadConfig struct {
	Hidden, Out int64
	Layers      int // the last one included; 1 or more
	Biases      Biases
	WithoutNorm bool // no batch norm in the hidden layers: MoCo v2
	Last        LastNorm
	Activation  Network // nil: ReLU
}

// NewHead builds a head on rows of in features.
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

// linear is Linear, with or without bias.
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

// NewProjector is the projection head of the baseline (htdt/self-supervised) without its last norm: Linear, batch norm,
// ReLU, Linear. It has in inputs, hidden units (1024 in the baseline) and out outputs (64 on CIFAR, 128 otherwise).
func NewProjector(in, hidden, out int64) Encoder {
	return NewHead(in, HeadConfig{Hidden: hidden, Out: out, Layers: 2})
}

// NewPredictor is the prediction head of methods with a target network. It is a projector from dim to dim.
func NewPredictor(dim, hidden int64) Encoder { return NewProjector(dim, hidden, dim) }

// WithDim makes an Encoder of a network whose output rows have dim entries.
func WithDim(n Network, dim int64) Encoder { return head{Named(Child{"", n}), dim} }

// Prototypes are n vectors of dim entries, of norm 1 at first. The outputs are the inputs' products with them, which
// are cosines if all have norm 1.
func Prototypes(dim, n int64) Encoder {
	return head{Seq(&layer{
		params: []Spec{{"weight", []int64{n, dim}, UnitRows()}},
		forward: func(s *torch.Scope, p, _ []torch.Tensor, x torch.Tensor, _ Mode) torch.Tensor {
			return s.Linear(x, p[0], torch.Tensor{})
		},
	}), n}
}
