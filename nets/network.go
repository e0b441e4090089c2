// Package nets holds networks as functions of parameters and buffers: families of backbones, heads and f_msr. Their
// parameters have torchvision's names and initialisation. It also holds what moves the parameters: optimizers,
// learning-rate schedules and moving averages.
package nets

import (
	"fmt"
	"math"

	"github.com/sugarme/gotch"

	"github.com/icl-msr/icl-msr/torch"
)

// Network is a function of (parameters, buffers, input). It holds no tensor, so that it can be evaluated at any
// parameters: at fast weights, at leaves of a graph, at duals of forward mode.
type Network interface {
	// Params describes the parameters, in the order Forward takes them.
	Params() []Spec
	// Buffers describes the running statistics, in the order Forward takes them.
	Buffers() []Spec
	// Forward maps a batch x. It writes to the buffers only if the mode Updates.
	Forward(s *torch.Scope, p, b []torch.Tensor, x torch.Tensor, m Mode) torch.Tensor
}

// Encoder is a network whose outputs are rows of Dim entries.
type Encoder interface {
	Network
	// Dim is the number of a row's entries.
	Dim() int64
}

// Staged is a network that applies other networks in order. It can be recomputed stage by stage.
type Staged interface {
	Network
	// Stages are those networks. Their parameters and buffers, one stage after the other, are the network's.
	Stages() []Network
}

// Describer is a network that can be exported as TorchScript and ONNX.
type Describer interface {
	Network
	// Describe adds the network's operations on value x to g and returns its output. The names of its modules begin
	// with prefix (Dotted).
	Describe(g *Graph, prefix string, x int) int
}

// Mode says which statistics batch norm uses. A custom network passes it on to its parts.
type Mode struct {
	batch, update, twice bool
	rows                 int64
	group                *torch.Group
}

// Train uses the batch's statistics and moves the running ones.
func Train() Mode { return Mode{batch: true, update: true} }

// Eval uses the running statistics and leaves them alone.
func Eval() Mode { return Mode{} }

// Meta uses the batch's statistics and leaves the running ones alone. It is the mode of the meta stage.
func Meta() Mode { return Mode{batch: true} }

// Leading takes the batch's statistics from its first n rows only. If MSR weights features, their weighted copies pass
// the head with the statistics of the un-weighted rows before them.
func (m Mode) Leading(n int64) Mode {
	m.rows = n
	return m
}

// Training reports whether batch norm uses the batch's statistics, and dropout and the like are on: in Train and Meta.
func (m Mode) Training() bool { return m.batch }

// Updates reports whether the network moves its running statistics: in Train.
func (m Mode) Updates() bool { return m.update }

// Rows is the n of Leading; 0: all rows.
func (m Mode) Rows() int64 { return m.rows }

// WithoutUpdate leaves the running statistics alone.
func (m Mode) WithoutUpdate() Mode {
	m.update = false
	return m
}

// DoubleBackward says that the caller differentiates a gradient again. LibTorch's second derivative of a convolution is
// a fifth faster with channels outermost, its first derivative with channels innermost.
func (m Mode) DoubleBackward() Mode {
	m.twice = true
	return m
}

// SyncOver takes the batch's statistics over the rows of all ranks of a data-parallel job. All ranks have the same
// number of rows.
func (m Mode) SyncOver(g *torch.Group) Mode {
	m.group = g
	return m
}

func (m Mode) norm() torch.NormMode {
	return torch.NormMode{
		Group:    m.group,
		Twice:    m.twice,
		Batch:    m.batch,
		Update:   m.update,
		Rows:     m.rows,
		Momentum: 0.1,
		Eps:      1e-5,
	}
}

// Spec describes one parameter or buffer.
type Spec struct {
	Name  string // torchvision's, as "layer1.0.conv1.weight"
	Shape []int64
	Init  Init
}

// Init is the distribution a parameter starts from.
type Init struct {
	kind initKind
	a    float64
	from func(s *torch.Scope) torch.Tensor
}

type initKind int

const (
	constant initKind = iota
	normal
	uniform
	index    // int64, zeros
	unitRows // normal, each row then divided by its norm
	given    // a function's result
)

// Constant fills with a.
func Constant(a float64) Init { return Init{kind: constant, a: a} }

// KaimingNormal is N(0, 2/fan). torchvision's convolutions have it, with the fan-out k*k*out.
func KaimingNormal(fan int64) Init { return Init{kind: normal, a: math.Sqrt(2 / float64(fan))} }

// Normal is N(0, deviation²).
func Normal(deviation float64) Init { return Init{kind: normal, a: deviation} }

// Index fills with int64 zeros: for counters and the like.
func Index() Init { return Init{kind: index} }

// UnitRows draws rows of norm 1 whose directions are uniform.
func UnitRows() Init { return Init{kind: unitRows, a: 1} }

// Given copies the result of f. Integers keep their dtype.
func Given(f func(s *torch.Scope) torch.Tensor) Init { return Init{kind: given, from: f} }

// LinearUniform is U(-1/sqrt(fanIn), 1/sqrt(fanIn)), as torch.nn.Linear and torch.nn.Conv2d have for weight and bias.
func LinearUniform(fanIn int64) Init { return Init{kind: uniform, a: 1 / math.Sqrt(float64(fanIn))} }

// Initialize draws tensors for specs with LibTorch's CPU generator (torch.ManualSeed), into s. On a GPU the kernels of
// convolutions have their channels innermost.
func Initialize(s *torch.Scope, specs []Spec, o torch.Options) []torch.Tensor {
	defer torch.SetGrad(false)()
	out := make([]torch.Tensor, len(specs))
	for i, spec := range specs {
		switch spec.Init.kind {
		case constant:
			out[i] = s.Full(spec.Init.a, o, spec.Shape...)
		case normal:
			out[i] = kernel(s, s.Normal(0, spec.Init.a, o, spec.Shape...), o)
		case uniform:
			out[i] = kernel(s, s.Uniform(-spec.Init.a, spec.Init.a, o, spec.Shape...), o)
		case unitRows:
			out[i] = s.Normalize(s.Normal(0, 1, o, spec.Shape...))
		case given:
			t := spec.Init.from(s)
			as := s.Like(t)
			if as.Device = o.Device; gotch.IsFloatDType(as.DType) {
				as.DType = o.DType
			}
			out[i] = s.Clone(s.To(t, as))
		case index:
			out[i] = torch.FromSlice(s, make([]int64, Count(specs[i:i+1])), o.Device, spec.Shape...)
		}
	}
	return out
}

// kernel gives a convolution's kernel the layout that is fastest on the device. cuDNN's convolutions take inputs and
// kernels with channels innermost, and copy others at each call. One such kernel makes all later activations of a
// network so. Convolutions of float64 are written for channels outermost. The values, and their order in a checkpoint,
// are the same.
func kernel(s *torch.Scope, t torch.Tensor, o torch.Options) torch.Tensor {
	if o.Device == gotch.CPU || o.DType == gotch.Double || len(s.Shape(t)) != 4 {
		return t
	}
	return s.ChannelsLast(t)
}

// Count returns the number of scalars that specs describe.
func Count(specs []Spec) int64 {
	n := int64(0)
	for _, spec := range specs {
		k := int64(1)
		for _, d := range spec.Shape {
			k *= d
		}
		n += k
	}
	return n
}

// Prefix returns specs with prefix and a dot before every name.
func Prefix(prefix string, specs []Spec) []Spec {
	out := make([]Spec, len(specs))
	for i, spec := range specs {
		out[i] = spec
		out[i].Name = prefix + "." + spec.Name
	}
	return out
}

// Check fails s unless there is a tensor for each spec.
func Check(s *torch.Scope, what string, specs []Spec, ts []torch.Tensor) bool {
	if s.Err() == nil && len(specs) != len(ts) {
		s.Fail(fmt.Errorf("nets: %s has %d tensors, got %d", what, len(specs), len(ts)))
	}
	return s.Err() == nil
}
