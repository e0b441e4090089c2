package torchscript

import (
	"fmt"
	"io"
	"strings"

	"github.com/icl-msr/icl-msr/internal/atomicfile"
	"github.com/icl-msr/icl-msr/nets"
	"github.com/icl-msr/icl-msr/torch"
)

// WriteScriptFile writes a network with its parameters and buffers as a TorchScript module, for batches of any size.
// Its modules and tensors have the network's names. Batch norm follows the module's training flag, which is off. If
// before is not nil, it is applied to the input.
func WriteScriptFile(path string, g nets.Graph, parameters, buffers []nets.NamedTensor, before *Preprocess) error {
	var tensors []torch.ScriptTensor
	for _, t := range parameters {
		tensors = append(tensors, torch.ScriptTensor{Name: t.Name, Tensor: t.Tensor})
	}
	for _, t := range buffers {
		tensors = append(tensors, torch.ScriptTensor{Name: t.Name, Tensor: t.Tensor, Buffer: true})
	}
	source, err := methods(g, before)
	if err != nil {
		return err
	}
	return atomicfile.Write(path, func(w io.Writer) error { return torch.WriteScript(w, tensors, source) })
}

// RewriteScriptFile writes a network that came as TorchScript, with other parameters and buffers.
func RewriteScriptFile(path string, n *nets.Scripted, parameters, buffers []nets.NamedTensor) error {
	plain := func(ts []nets.NamedTensor) (out []torch.Tensor) {
		for _, t := range ts {
			out = append(out, t.Tensor)
		}
		return out
	}
	return atomicfile.Write(path, func(w io.Writer) error { return n.Write(w, plain(parameters), plain(buffers)) })
}

// methods is the code of the root module in TorchScript.
func methods(g nets.Graph, before *Preprocess) (string, error) {
	var b strings.Builder
	input := "x"
	if before != nil {
		b.WriteString(before.source())
		input = "self.preprocess(x)"
	}
	fmt.Fprintf(&b, "def forward(self, x: Tensor) -> Tensor:\n    v0 = %s\n", input)
	for i, n := range g.Nodes {
		lines, err := statement(n)
		if err != nil {
			return "", err
		}
		for j, line := range lines {
			if j == len(lines)-1 {
				line = fmt.Sprintf("v%d = %s", i+1, line)
			}
			b.WriteString("    " + line + "\n")
		}
	}
	fmt.Fprintf(&b, "    return v%d\n", len(g.Nodes))
	return b.String(), nil
}

// statement returns the lines of a node. The last one is the expression of its output.
func statement(n nets.Node) ([]string, error) {
	in := make([]string, len(n.In))
	for i, x := range n.In {
		in[i] = fmt.Sprintf("v%d", x)
	}
	x, m := in[0], module(n.Module)
	value := ""
	switch n.Op {
	case nets.OpConv:
		value = fmt.Sprintf("torch.conv2d(%s, %s.weight, None, [%d, %d], [%d, %d])", x, m, n.Stride, n.Stride, n.Pad, n.Pad)
	case nets.OpBatchNorm:
		return []string{
			"if self.training:", "    " + m + ".num_batches_tracked.add_(1)",
			fmt.Sprintf("torch.batch_norm(%s, %s.weight, %s.bias, %s.running_mean, %s.running_var, "+
				"self.training, 0.1, 1e-05, True)", x, m, m, m, m),
		}, nil
	case nets.OpLinear:
		value = fmt.Sprintf("torch.linear(%s, %s.weight, %s.bias)", x, m, m)
	case nets.OpProduct:
		value = fmt.Sprintf("torch.linear(%s, %s.weight)", x, m)
	case nets.OpReLU, nets.OpTanh, nets.OpSigmoid:
		value = fmt.Sprintf("torch.%s(%s)", n.Op, x)
	case nets.OpMaxPool:
		value = fmt.Sprintf("torch.max_pool2d(%s, [%d, %d], [%d, %d], [%d, %d])",
			x, n.Kernel, n.Kernel, n.Stride, n.Stride, n.Pad, n.Pad)
	case nets.OpMean:
		value = fmt.Sprintf("torch.mean(%s, [2, 3])", x)
	case nets.OpAdd:
		value = fmt.Sprintf("%s + %s", in[0], in[1])
	case nets.OpColumns:
		value = fmt.Sprintf("torch.narrow(%s, 1, %d, %d)", x, n.From, n.N)
	case nets.OpCat:
		value = fmt.Sprintf("torch.cat([%s], 1)", strings.Join(in, ", "))
	case nets.OpReshape:
		shape := strings.ReplaceAll(fmt.Sprint(append([]int64{-1}, n.Shape...)), " ", ", ")
		value = fmt.Sprintf("torch.reshape(%s, %s)", x, shape)
	default:
		return nil, fmt.Errorf("TorchScript: no operation %q", n.Op)
	}
	return []string{value}, nil
}

// module is the expression of a module with a dotted name. Its parts may be numbers.
func module(name string) string {
	out := "self"
	if name == "" {
		return out
	}
	for part := range strings.SplitSeq(name, ".") {
		if part[0] >= '0' && part[0] <= '9' {
			out = fmt.Sprintf("getattr(%s, %q)", out, part)
		} else {
			out += "." + part
		}
	}
	return out
}
