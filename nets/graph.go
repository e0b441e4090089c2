package nets

import "fmt"

// Op is an operation of a Graph.
type Op string

// The operations of this package's networks. The parameters and buffers of
// Conv, BatchNorm and Linear are those of the node's module.
const (
	OpConv      Op = "conv"       // stride and padding; without bias
	OpBatchNorm Op = "batch norm" // momentum 0.1, eps 1e-5
	OpLinear    Op = "linear"     // with bias
	OpProduct   Op = "product"    // linear without a bias
	OpReLU      Op = "relu"
	OpTanh      Op = "tanh"
	OpSigmoid   Op = "sigmoid"
	OpMaxPool   Op = "max pool" // 3x3, stride 2, padding 1
	OpMean      Op = "mean"     // over height and width: [N, c, H, W] to [N, c]
	OpAdd       Op = "add"      // of two inputs
	OpColumns   Op = "columns"  // N columns of dimension 1, from From on
	OpCat       Op = "cat"      // along dimension 1
	OpReshape   Op = "reshape"  // of a row to Shape
)

// Node is one operation of a Graph.
type Node struct {
	Op                  Op
	In                  []int  // values: 0 is the network's input, i+1 what node i gives
	Module              string // dotted name of the module that holds its tensors
	Kernel, Stride, Pad int64
	From, N             int64
	Shape               []int64
}

// Graph is a network written out, for those who write it in another language.
// Its value is its last node's.
type Graph struct{ Nodes []Node }

// Describe writes n out.
func Describe(n Network) (Graph, error) {
	var g Graph
	out := g.network(n, "", 0)
	if out < 0 || out != len(g.Nodes) {
		return Graph{}, fmt.Errorf("nets: %T cannot be written out as a graph", n)
	}
	return g, nil
}

// describer is a network that can be written out: it adds its nodes, whose
// modules begin with prefix, and returns its value, negative if it cannot.
type describer interface {
	describe(g *Graph, prefix string, x int) int
}

func (g *Graph) network(n Network, prefix string, x int) int {
	d, ok := n.(describer)
	if !ok || x < 0 {
		return -1
	}
	return d.describe(g, prefix, x)
}

// add adds a node and returns its value; nothing comes of a missing input.
func (g *Graph) add(n Node) int {
	for _, x := range n.In {
		if x < 0 {
			return -1
		}
	}
	g.Nodes = append(g.Nodes, n)
	return len(g.Nodes)
}

// dotted joins names of modules; an empty one adds none.
func dotted(prefix, name string) string {
	if prefix == "" || name == "" {
		return prefix + name
	}
	return prefix + "." + name
}

func (l *layer) describe(g *Graph, prefix string, x int) int {
	n := l.node
	if n.Op == "" {
		return -1
	}
	n.In, n.Module = []int{x}, prefix
	return g.add(n)
}

func (c convNorm) describe(g *Graph, prefix string, x, residual int, relu bool) int {
	x = g.add(Node{Op: OpConv, In: []int{x}, Module: dotted(prefix, c.conv), Kernel: c.k, Stride: c.stride, Pad: c.pad})
	x = g.add(Node{Op: OpBatchNorm, In: []int{x}, Module: dotted(prefix, c.bn)})
	if residual > 0 {
		x = g.add(Node{Op: OpAdd, In: []int{x, residual}})
	}
	if relu {
		x = g.add(Node{Op: OpReLU, In: []int{x}})
	}
	return x
}

func (u *unit) describe(g *Graph, prefix string, x int) int {
	return u.convNorm.describe(g, prefix, x, 0, true)
}

func (q *Sequential) describe(g *Graph, prefix string, x int) int {
	for _, c := range q.children {
		x = g.network(c.Net, dotted(prefix, c.Name), x)
	}
	return x
}

func (f *MSR) describe(g *Graph, prefix string, x int) int {
	x = f.Sequential.describe(g, prefix, x)
	x = g.add(Node{Op: OpReshape, In: []int{x}, Shape: []int64{f.n, f.c}})
	return g.add(Node{Op: OpSigmoid, In: []int{x}})
}

func (q *sides) describe(g *Graph, prefix string, x int) int {
	var parts []int
	from := int64(0)
	for _, part := range q.parts {
		columns := g.add(Node{Op: OpColumns, In: []int{x}, From: from, N: part.Columns})
		parts = append(parts, g.network(part.Net, dotted(prefix, part.Name), columns))
		from += part.Columns
	}
	return g.add(Node{Op: OpCat, In: parts})
}

func (r *ResNet) describe(g *Graph, prefix string, x int) int {
	x = r.stem.describe(g, prefix, x, 0, true)
	if r.stem.pool {
		x = g.add(Node{Op: OpMaxPool, In: []int{x}, Kernel: 3, Stride: 2, Pad: 1})
	}
	for _, b := range r.blocks {
		x = b.describe(g, dotted(prefix, b.name), x)
	}
	return g.add(Node{Op: OpMean, In: []int{x}})
}

func (b block) describe(g *Graph, prefix string, x int) int {
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
