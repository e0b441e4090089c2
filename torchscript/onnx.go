package torchscript

import (
	"fmt"
	"io"
	"math"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/icl-msr/icl-msr/internal/atomicfile"
	"github.com/icl-msr/icl-msr/nets"
)

// The versions of ONNX that are written. Readers since 2020 know them.
const (
	onnxIR    = 7
	onnxOpset = 13
)

// WriteONNXFile writes a network in evaluation mode as an ONNX model of float32, from "input" [batch, 3, height, width]
// to "output" [batch, shape...]. batch, height and width are free. tensors are the parameters and running statistics.
func WriteONNXFile(path string, g nets.Graph, tensors []Tensor, shape ...int64) error {
	model, err := onnxModel(g, tensors, shape)
	if err != nil {
		return err
	}
	return atomicfile.Write(path, func(w io.Writer) error {
		_, err := w.Write(model)
		return err
	})
}

func onnxModel(g nets.Graph, tensors []Tensor, shape []int64) ([]byte, error) {
	m := onnxGraph{tensors: tensors, used: map[string]bool{}}
	for i, n := range g.Nodes {
		m.node(n, valueName(i+1, len(g.Nodes)), len(g.Nodes))
	}
	if m.err != nil {
		return nil, m.err
	}
	output := []onnxDim{{name: "batch"}}
	for _, d := range shape {
		output = append(output, onnxDim{size: d})
	}
	input := []onnxDim{{name: "batch"}, {size: 3}, {name: "height"}, {name: "width"}}
	graph := slices.Concat(m.nodes, stringField(2, "network"), m.initializers,
		messageField(11, onnxValue("input", input...)), messageField(12, onnxValue("output", output...)))
	model := slices.Concat(
		intField(1, onnxIR), stringField(2, "icl-msr"), messageField(7, graph), messageField(8, intField(2, onnxOpset)),
	)
	if len(model) > math.MaxInt32 {
		return nil, fmt.Errorf("ONNX: a model of %d bytes; protobuf's limit is 2 GiB", len(model))
	}
	return model, nil
}

// onnxGraph collects the nodes and initializers of a GraphProto.
type onnxGraph struct {
	tensors             []Tensor
	used                map[string]bool
	nodes, initializers []byte
	err                 error
}

func valueName(i, last int) string {
	switch i {
	case 0:
		return "input"
	case last:
		return "output"
	}
	return fmt.Sprintf("v%d", i)
}

// node writes the operation whose output is the value out.
func (m *onnxGraph) node(n nets.Node, out string, last int) {
	in := make([]string, len(n.In))
	for i, x := range n.In {
		in[i] = valueName(x, last)
	}
	of := func(names ...string) []string {
		for _, name := range names {
			if n.Module != "" {
				name = n.Module + "." + name
			}
			in = append(in, m.parameter(name))
		}
		return in
	}
	twice := func(x int64) []int64 { return []int64{x, x} }
	window := [][]byte{
		intsAttribute("kernel_shape", twice(n.Kernel)),
		intsAttribute("pads", append(twice(n.Pad), twice(n.Pad)...)),
		intsAttribute("strides", twice(n.Stride)),
	}
	switch n.Op {
	case nets.OpConv:
		m.add("Conv", of("weight"), out, window...)
	case nets.OpBatchNorm:
		m.add("BatchNormalization", of("weight", "bias", "running_mean", "running_var"), out, floatAttribute("epsilon", 1e-5))
	case nets.OpLinear:
		m.add("Gemm", of("weight", "bias"), out, intAttribute("transB", 1))
	case nets.OpProduct:
		m.add("Gemm", of("weight"), out, intAttribute("transB", 1))
	case nets.OpReLU:
		m.add("Relu", in, out)
	case nets.OpTanh:
		m.add("Tanh", in, out)
	case nets.OpSigmoid:
		m.add("Sigmoid", in, out)
	case nets.OpAdd:
		m.add("Add", in, out)
	case nets.OpMaxPool:
		m.add("MaxPool", in, out, window...)
	case nets.OpMean:
		m.add("GlobalAveragePool", in, out+".pooled")
		m.add("Flatten", []string{out + ".pooled"}, out, intAttribute("axis", 1))
	case nets.OpColumns:
		from, to, axis := m.constant(out+".from", n.From), m.constant(out+".to", n.From+n.N), m.constant(out+".axis", 1)
		m.add("Slice", append(in, from, to, axis), out)
	case nets.OpCat:
		m.add("Concat", in, out, intAttribute("axis", 1))
	case nets.OpReshape:
		m.add("Reshape", append(in, m.constant(out+".shape", append([]int64{-1}, n.Shape...)...)), out)
	default:
		m.fail(fmt.Errorf("ONNX: no operation %q", n.Op))
	}
}

func (m *onnxGraph) fail(err error) {
	if m.err == nil {
		m.err = err
	}
}

// add writes a NodeProto.
func (m *onnxGraph) add(op string, in []string, out string, attributes ...[]byte) {
	var b []byte
	for _, x := range in {
		b = append(b, stringField(1, x)...)
	}
	b = append(b, slices.Concat(stringField(2, out), stringField(3, out), stringField(4, op))...)
	for _, a := range attributes {
		b = append(b, messageField(5, a)...)
	}
	m.nodes = append(m.nodes, messageField(1, b)...)
}

// Types of ONNX's tensors and attributes.
const (
	onnxFloat, onnxInt64                        = 1, 7
	attributeFloat, attributeInt, attributeInts = 1, 2, 7
)

// parameter writes a tensor of the network, once, and returns its name.
func (m *onnxGraph) parameter(name string) string {
	t, ok := Find(m.tensors, name)
	if !ok || t.DType != "F32" {
		m.fail(fmt.Errorf("ONNX: no float32 tensor %s", name))
	}
	if !m.used[name] {
		m.used[name] = true
		m.tensor(name, onnxFloat, t.Shape, t.Data)
	}
	return name
}

// constant writes a vector of int64.
func (m *onnxGraph) constant(name string, xs ...int64) string {
	var data []byte
	for _, x := range xs {
		data = appendInt64(data, x)
	}
	m.tensor(name, onnxInt64, []int64{int64(len(xs))}, data)
	return name
}

// tensor writes a TensorProto.
func (m *onnxGraph) tensor(name string, kind uint64, shape []int64, data []byte) {
	var b []byte
	for _, d := range shape {
		b = append(b, intField(1, uint64(d))...)
	}
	b = append(b, slices.Concat(intField(2, kind), stringField(8, name))...)
	b = protowire.AppendBytes(protowire.AppendTag(b, 9, protowire.BytesType), data)
	m.initializers = append(m.initializers, messageField(5, b)...)
}

// onnxDim is a size, or the name of a free one.
type onnxDim struct {
	size int64
	name string
}

// onnxValue is a ValueInfoProto of float32.
func onnxValue(name string, dims ...onnxDim) []byte {
	var shape []byte
	for _, d := range dims {
		dim := stringField(2, d.name)
		if d.name == "" {
			dim = intField(1, uint64(d.size))
		}
		shape = append(shape, messageField(1, dim)...)
	}
	tensor := slices.Concat(intField(1, onnxFloat), messageField(2, shape))
	return slices.Concat(stringField(1, name), messageField(2, messageField(1, tensor)))
}
