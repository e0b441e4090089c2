package nets

import (
	"strconv"

	"github.com/icl-msr/icl-msr/torch"
)

// layer is a network without children: its specs and its function.
type layer struct {
	params, buffers []Spec
	forward         func(s *torch.Scope, p, b []torch.Tensor, x torch.Tensor, m Mode) torch.Tensor
	node            Node // for a Graph; a layer whose node has no Op has no graph
}

func (l *layer) Params() []Spec  { return l.params }
func (l *layer) Buffers() []Spec { return l.buffers }
func (l *layer) Forward(s *torch.Scope, p, b []torch.Tensor, x torch.Tensor, m Mode) torch.Tensor {
	return l.forward(s, p, b, x, m)
}

// Linear is x Wᵀ + b, from in to out features, initialised as torch.nn.Linear.
func Linear(in, out int64) Network {
	init := LinearUniform(in)
	return &layer{
		params: []Spec{{"weight", []int64{out, in}, init}, {"bias", []int64{out}, init}},
		forward: func(s *torch.Scope, p, _ []torch.Tensor, x torch.Tensor, _ Mode) torch.Tensor {
			return s.Linear(x, p[0], p[1])
		},
		node: Node{Op: OpLinear},
	}
}

// BatchNorm normalises c channels of [N, c] or [N, c, H, W].
func BatchNorm(c int64) Network {
	return &layer{
		params:  normParams("", c),
		buffers: normBuffers("", c),
		forward: func(s *torch.Scope, p, b []torch.Tensor, x torch.Tensor, m Mode) torch.Tensor {
			return s.BatchNorm(x, norm(p, b), m.norm())
		},
		node: Node{Op: OpBatchNorm},
	}
}

func normParams(prefix string, c int64) []Spec {
	return []Spec{{prefix + "weight", []int64{c}, Constant(1)}, {prefix + "bias", []int64{c}, Constant(0)}}
}

func normBuffers(prefix string, c int64) []Spec {
	return []Spec{{prefix + "running_mean", []int64{c}, Constant(0)}, {prefix + "running_var", []int64{c}, Constant(1)},
		{prefix + "num_batches_tracked", []int64{}, Index()}}
}

func norm(p, b []torch.Tensor) torch.Norm {
	return torch.Norm{Weight: p[0], Bias: p[1], Mean: b[0], Var: b[1], Count: b[2]}
}

// Conv2d is a k x k convolution without bias, initialised by KaimingNormal with the fan-out.
func Conv2d(in, out, k, stride, pad int64) Network {
	return &layer{
		params: []Spec{{"weight", []int64{out, in, k, k}, KaimingNormal(k * k * out)}},
		forward: func(s *torch.Scope, p, _ []torch.Tensor, x torch.Tensor, _ Mode) torch.Tensor {
			return s.Conv2d(x, p[0], torch.Tensor{}, stride, pad)
		},
		node: Node{Op: OpConv, Kernel: k, Stride: stride, Pad: pad},
	}
}

// ReLU is max(x, 0).
func ReLU() Network { return function(OpReLU, (*torch.Scope).ReLU) }

// Tanh is the hyperbolic tangent.
func Tanh() Network { return function(OpTanh, (*torch.Scope).Tanh) }

// GlobalAvgPool averages [N, c, H, W] over the picture to [N, c].
func GlobalAvgPool() Network {
	return function(OpMean, func(s *torch.Scope, x torch.Tensor) torch.Tensor { return s.MeanDim(x, false, 2, 3) })
}

func function(op Op, f func(s *torch.Scope, x torch.Tensor) torch.Tensor) Network {
	return &layer{
		forward: func(s *torch.Scope, _, _ []torch.Tensor, x torch.Tensor, _ Mode) torch.Tensor { return f(s, x) },
		node:    Node{Op: op},
	}
}

// convNorm is a convolution without bias and its batch norm in one operation. A residual and a ReLU may follow, as in a
// ResNet's block.
type convNorm struct {
	conv, bn           string // their names
	in, out, k, stride int64
	pad                int64
}

func (c convNorm) params() []Spec {
	specs := []Spec{{c.conv + ".weight", []int64{c.out, c.in, c.k, c.k}, KaimingNormal(c.k * c.k * c.out)}}
	return append(specs, normParams(c.bn+".", c.out)...)
}

func (c convNorm) buffers() []Spec { return normBuffers(c.bn+".", c.out) }

// forward takes the unit's three parameters and three buffers.
func (c convNorm) forward(
	s *torch.Scope, p, b []torch.Tensor, x, residual torch.Tensor, relu bool, m Mode,
) torch.Tensor {
	return s.ConvNorm(x, p[0], norm(p[1:], b), residual, c.stride, c.pad, relu, m.norm())
}

// Child is a named part of a Sequential.
type Child struct {
	Name string // before the names of its parameters, with a dot
	Net  Network
}

// inOrder applies networks one after the other. p and b are the parameters and buffers of all. An output between two
// networks is freed as soon as nothing but a graph needs it.
func inOrder(s *torch.Scope, stages []Network, p, b []torch.Tensor, x torch.Tensor, m Mode) torch.Tensor {
	for i, n := range stages {
		np, nb := len(n.Params()), len(n.Buffers())
		var y torch.Tensor
		s.Within(func(t *torch.Scope) { y = s.Hold(n.Forward(t, p[:np], b[:nb], x, m)) })
		if i > 0 {
			s.Free(x)
		}
		x, p, b = y, p[np:], b[nb:]
	}
	return x
}

// Sequential is the composition of its parts, applied in order.
type Sequential struct {
	children        []Child
	stages          []Network
	params, buffers []Spec
}

// Seq numbers its parts as torch.nn.Sequential does.
func Seq(parts ...Network) *Sequential {
	children := make([]Child, len(parts))
	for i, part := range parts {
		children[i] = Child{strconv.Itoa(i), part}
	}
	return Named(children...)
}

// Named composes named parts; the empty name adds no prefix.
func Named(children ...Child) *Sequential {
	q := &Sequential{children: children}
	for _, c := range children {
		p, b := c.Net.Params(), c.Net.Buffers()
		if c.Name != "" {
			p, b = Prefix(c.Name, p), Prefix(c.Name, b)
		}
		q.params, q.buffers = append(q.params, p...), append(q.buffers, b...)
		q.stages = append(q.stages, c.Net)
	}
	return q
}

// Params implements Network.
func (q *Sequential) Params() []Spec { return q.params }

// Buffers implements Network.
func (q *Sequential) Buffers() []Spec { return q.buffers }

// Stages implements Staged.
func (q *Sequential) Stages() []Network { return q.stages }

// Forward implements Network.
func (q *Sequential) Forward(s *torch.Scope, p, b []torch.Tensor, x torch.Tensor, m Mode) torch.Tensor {
	if !Check(s, "network", q.params, p) || !Check(s, "network's buffers", q.buffers, b) {
		return torch.Tensor{}
	}
	return inOrder(s, q.stages, p, b, x, m)
}
