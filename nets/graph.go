package nets

import (
	"errors"
	"fmt"
)

// Op is an operation of a Graph.
type Op string

// The operations of this package's networks. The parameters and buffers of Conv, BatchNorm and Linear are those of the
// node's module.
const (
	OpConv      Op = "conv"       // with stride and padding, without bias
	OpBatchNorm Op = "batch norm" // momentum 0.1, eps 1e-5
	OpLinear    Op = "linear"     // with bias
	OpProduct   Op = "product"    // linear without bias
	OpReLU      Op = "relu"
	OpTanh      Op = "tanh"
	OpSigmoid   Op = "sigmoid"
	OpMaxPool   Op = "max pool" // 3x3, stride 2, padding 1
	OpMean      Op = "mean"     // over height and width, [N, c, H, W] to [N, c]
	OpAdd       Op = "add"      // of two inputs
	OpColumns   Op = "columns"  // N entries of dimension 1, beginning at From
	OpCat       Op = "cat"      // along dimension 1
	OpReshape   Op = "reshape"  // of each row to Shape
)

// Node is one operation of a Graph.
type Node struct {
	Op                  Op
	In                  []int  // values: 0 is the network's input, i+1 the output of node i
	Module              string // dotted name of the module that holds its tensors
	Kernel, Stride, Pad int64
	From, N             int64
	Shape               []int64
}

// Graph is a network as a list of operations, to be written in another language. Its output is its last node's.
type Graph struct {
	Nodes []Node
	err   error // the first one
}

// Describe returns the graph of a network. The network and all networks in it must be Describers.
func Describe(n Network) (Graph, error) {
	var g Graph
	out := g.Network(n, "", 0)
	if out != len(g.Nodes) {
		g.Fail(errors.New("its output is not its last operation's"))
	}
	if g.err != nil {
		return Graph{}, fmt.Errorf("nets: %T cannot be written out as a graph: %w", n, g.err)
	}
	return g, nil
}

// Network adds a network's operations on value x and returns its output. If the network is no Describer, the graph
// fails.
func (g *Graph) Network(n Network, prefix string, x int) int {
	d, ok := n.(Describer)
	if !ok {
		g.Fail(fmt.Errorf("%T has no method Describe", n))
		return x
	}
	return d.Describe(g, prefix, x)
}

// Fail says why a network has no graph. The first error counts.
func (g *Graph) Fail(err error) {
	if g.err == nil {
		g.err = err
	}
}

// Add adds an operation and returns its output.
func (g *Graph) Add(n Node) int {
	g.Nodes = append(g.Nodes, n)
	return len(g.Nodes)
}

// Dotted joins the names of a module and of one in it. An empty name adds nothing.
func Dotted(prefix, name string) string {
	if prefix == "" || name == "" {
		return prefix + name
	}
	return prefix + "." + name
}

// Describe implements Describer.
func (l *layer) Describe(g *Graph, prefix string, x int) int {
	n := l.node
	if n.Op == "" {
		g.Fail(errors.New("one of its layers has no such form"))
	}
	n.In, n.Module = []int{x}, prefix
	return g.Add(n)
}

func (c convNorm) describe(g *Graph, prefix string, x, residual int, relu bool) int {
	x = g.Add(Node{Op: OpConv, In: []int{x}, Module: Dotted(prefix, c.conv), Kernel: c.k, Stride: c.stride, Pad: c.pad})
	x = g.Add(Node{Op: OpBatchNorm, In: []int{x}, Module: Dotted(prefix, c.bn)})
	if residual > 0 {
		x = g.Add(Node{Op: OpAdd, In: []int{x, residual}})
	}
	if relu {
		x = g.Add(Node{Op: OpReLU, In: []int{x}})
	}
	return x
}

// Describe implements Describer.
func (u *unit) Describe(g *Graph, prefix string, x int) int {
	return u.convNorm.describe(g, prefix, x, 0, true)
}

// Describe implements Describer.
func (q *Sequential) Describe(g *Graph, prefix string, x int) int {
	for _, c := range q.children {
		x = g.Network(c.Net, Dotted(prefix, c.Name), x)
	}
	return x
}

// Describe implements Describer.
func (f *MSR) Describe(g *Graph, prefix string, x int) int {
	x = f.Sequential.Describe(g, prefix, x)
	x = g.Add(Node{Op: OpReshape, In: []int{x}, Shape: []int64{f.n, f.c}})
	return g.Add(Node{Op: OpSigmoid, In: []int{x}})
}

// Describe implements Describer.
func (q *sides) Describe(g *Graph, prefix string, x int) int {
	var parts []int
	from := int64(0)
	for _, part := range q.parts {
		columns := g.Add(Node{Op: OpColumns, In: []int{x}, From: from, N: part.Columns})
		parts = append(parts, g.Network(part.Net, Dotted(prefix, part.Name), columns))
		from += part.Columns
	}
	return g.Add(Node{Op: OpCat, In: parts})
}

// Describe implements Describer.
func (r *ResNet) Describe(g *Graph, prefix string, x int) int {
	x = r.stem.describe(g, prefix, x, 0, true)
	if r.stem.pool {
		x = g.Add(Node{Op: OpMaxPool, In: []int{x}, Kernel: 3, Stride: 2, Pad: 1})
	}
	for _, b := range r.blocks {
		x = b.Describe(g, Dotted(prefix, b.name), x)
	}
	return g.Add(Node{Op: OpMean, In: []int{x}})
}

// Describe implements Describer.
func (b block) Describe(g *Graph, prefix string, x int) int {
	residual := x
	if b.downsample != nil {
		residual = b.downsample.describe(g, prefix, x, 0, false)
	}
	for i, u := range b.units {
		skip := 0
		if i == len(b.units)-1 {
			skip = residual
		}
		x = u.describe(g, prefix, x, skip, true)
	}
	return x
}
