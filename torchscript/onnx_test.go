package torchscript_test

import (
	"encoding/binary"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/sugarme/gotch"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/icl-msr/icl-msr/nets"
	"github.com/icl-msr/icl-msr/torch"
	"github.com/icl-msr/icl-msr/torchscript"
)

// message is a protobuf message read without its schema: the values of each field in order, bytes or numbers.
type message map[protowire.Number][]any

func parse(t *testing.T, b []byte) message {
	m := message{}
	for len(b) > 0 {
		field, kind, n := protowire.ConsumeTag(b)
		require.Positive(t, n)
		b = b[n:]
		var v any
		switch kind {
		case protowire.BytesType:
			v, n = protowire.ConsumeBytes(b)
		case protowire.VarintType:
			v, n = protowire.ConsumeVarint(b)
		case protowire.Fixed32Type:
			v, n = protowire.ConsumeFixed32(b)
		}
		require.Positive(t, n)
		m[field] = append(m[field], v)
		b = b[n:]
	}
	return m
}

func (m message) bytes(field protowire.Number) (out [][]byte) {
	for _, v := range m[field] {
		out = append(out, v.([]byte))
	}
	return out
}

func (m message) word(field protowire.Number) string { return string(m.bytes(field)[0]) }

func (m message) numbers(field protowire.Number) (out []int64) {
	for _, v := range m[field] {
		out = append(out, int64(v.(uint64)))
	}
	return out
}

// model evaluates an ONNX file by the operators' definitions, with LibTorch.
type model struct {
	t       *testing.T
	graph   message
	tensors map[string]torch.Tensor
	vectors map[string][]int64
}

func readModel(t *testing.T, s *torch.Scope, path string) model {
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	whole := parse(t, data)
	assert.Equal(t, []int64{7}, whole.numbers(1), "IR version")
	assert.Equal(t, []int64{13}, parse(t, whole.bytes(8)[0]).numbers(2), "opset")
	m := model{t, parse(t, whole.bytes(7)[0]), map[string]torch.Tensor{}, map[string][]int64{}}
	for _, b := range m.graph.bytes(5) {
		x := parse(t, b)
		raw := x.bytes(9)[0]
		switch kind := x.numbers(2)[0]; kind {
		case 1:
			m.tensors[x.word(8)] = s.FromBytes(raw, torch.Float32(), x.numbers(1)...)
		case 7:
			for ; len(raw) > 0; raw = raw[8:] {
				m.vectors[x.word(8)] = append(m.vectors[x.word(8)], int64(binary.LittleEndian.Uint64(raw)))
			}
		default:
			t.Fatalf("type %d", kind)
		}
	}
	return m
}

func (m model) run(s *torch.Scope, x torch.Tensor) torch.Tensor {
	values := map[string]torch.Tensor{"input": x}
	for _, b := range m.graph.bytes(1) {
		node := parse(m.t, b)
		attributes := map[string]message{}
		for _, a := range node.bytes(5) {
			attributes[parse(m.t, a).word(1)] = parse(m.t, a)
		}
		var in []torch.Tensor
		var vectors [][]int64
		for _, name := range node.bytes(1) {
			v, ok := values[string(name)]
			if !ok {
				v, ok = m.tensors[string(name)]
			}
			if c, constant := m.vectors[string(name)]; constant {
				vectors, ok = append(vectors, c), true
			} else {
				in = append(in, v)
			}
			require.True(m.t, ok, "%s is used before it is there", name)
		}
		stride := func() int64 { return attributes["strides"].numbers(8)[0] }
		pad := func() int64 {
			pads := attributes["pads"].numbers(8)
			require.Len(m.t, pads, 4)
			return pads[3]
		}
		var y torch.Tensor
		switch op := node.word(4); op {
		case "Conv":
			y = s.Conv2d(in[0], in[1], torch.Tensor{}, stride(), pad())
			require.Equal(m.t, s.Shape(in[1])[2:], attributes["kernel_shape"].numbers(8))
		case "BatchNormalization":
			eps := math.Float32frombits(attributes["epsilon"][2][0].(uint32))
			norm := torch.Norm{Weight: in[1], Bias: in[2], Mean: in[3], Var: in[4]}
			y = s.BatchNorm(in[0], norm, torch.NormMode{Eps: float64(eps)})
		case "Relu":
			y = s.ReLU(in[0])
		case "Sigmoid":
			y = s.Sigmoid(in[0])
		case "Add":
			y = s.Add(in[0], in[1])
		case "MaxPool":
			y = s.MaxPool2d(in[0], attributes["kernel_shape"].numbers(8)[0], stride(), pad())
		case "GlobalAveragePool":
			y = s.MeanDim(in[0], true, 2, 3)
		case "Flatten":
			y = s.Reshape(in[0], s.Size(in[0], 0), -1)
		case "Gemm":
			var bias torch.Tensor // optional since version 11
			if len(in) > 2 {
				bias = in[2]
			}
			require.Equal(m.t, []int64{1}, attributes["transB"].numbers(3))
			y = s.Linear(in[0], in[1], bias)
		case "Reshape":
			y = s.Reshape(in[0], vectors[0]...)
		case "Slice":
			require.Equal(m.t, []int64{1}, vectors[2])
			y = s.Narrow(in[0], 1, vectors[0][0], vectors[1][0]-vectors[0][0])
		case "Concat":
			y = s.Cat(attributes["axis"].numbers(3)[0], in...)
		default:
			m.t.Fatalf("operator %s", op)
		}
		values[node.word(2)] = y
	}
	return values["output"]
}

// The models are read by protobuf's rules and evaluated by ONNX's definitions. `make interop` evaluates them with
// onnxruntime.
func TestONNXGivesTheSame(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer torch.SetGrad(false)()
	for name, net := range everyNetwork(t) {
		t.Run(name, func(t *testing.T) {
			s := torch.NewScope()
			defer func() { require.NoError(t, s.Close()) }()
			r := random(s, net, torch.Float32())
			g, err := nets.Describe(net)
			require.NoError(t, err)
			var tensors []torchscript.Tensor
			for _, n := range append(named(net.Params(), r.p), named(net.Buffers(), r.b)...) {
				kind := "F32"
				if s.Like(n.Tensor).DType == gotch.Int64 {
					kind = "I64"
				}
				x := torchscript.Tensor{Name: n.Name, DType: kind, Shape: s.Shape(n.Tensor), Data: s.Bytes(n.Tensor)}
				tensors = append(tensors, x)
			}
			path := filepath.Join(t.TempDir(), "net.onnx")
			require.NoError(t, torchscript.WriteONNXFile(path, g, tensors, 9))
			m := readModel(t, s, path)
			for _, batch := range []int64{1, 7} {
				x := s.Normal(0, 1, torch.Float32(), batch, 3, 24, 32)
				want := net.Forward(s, r.p, r.b, x, nets.Eval())
				got := m.run(s, x)
				require.Equal(t, s.Shape(want), s.Shape(got))
				near(t, torch.Slice[float32](s, want), torch.Slice[float32](s, got), 1e-5)
			}
			err = torchscript.WriteONNXFile(path, g, tensors[1:], 9)
			assert.ErrorContains(t, err, "ONNX: no float32 tensor "+net.Params()[0].Name)
		})
	}
}

func TestWhatIsNoGraph(t *testing.T) {
	_, err := nets.Describe(nets.NewContext(4, 4, 4, 2, 1))
	assert.ErrorContains(t, err, "*nets.Context cannot be written out")
	_, err = nets.Describe(nets.Named(
		nets.Child{Name: "a", Net: nets.ReLU()}, nets.Child{Name: "b", Net: nets.Prototypes(3, 2)},
	))
	assert.ErrorContains(t, err, "cannot be written out")
}
