package torchscript_test

import (
	"archive/zip"
	"bytes"
	"io"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/sugarme/gotch"

	"github.com/icl-msr/icl-msr/internal/pickle"
	"github.com/icl-msr/icl-msr/nets"
	"github.com/icl-msr/icl-msr/torch"
	"github.com/icl-msr/icl-msr/torchscript"
)

// The written archive is read by the standard library and by package pickle. It has the names in order, PyTorch's
// types, shapes and strides, and bytes at multiples of 64.
func TestStateDictHasPyTorchsStructure(t *testing.T) {
	var b bytes.Buffer
	long := torchscript.Tensor{Name: "long", DType: "F64", Shape: []int64{3, 0, 2}, Data: []byte{}}
	tensors := append(sample(), long)
	require.NoError(t, torchscript.WriteStateDict(&b, tensors))
	archive, err := zip.NewReader(bytes.NewReader(b.Bytes()), int64(b.Len()))
	require.NoError(t, err)
	parts := map[string][]byte{}
	for _, f := range archive.File {
		at, err := f.DataOffset()
		require.NoError(t, err)
		assert.Zero(t, at%64, f.Name)
		assert.Equal(t, zip.Store, f.Method)
		r, err := f.Open()
		require.NoError(t, err)
		parts[f.Name], err = io.ReadAll(r) // checks the sum
		require.NoError(t, err)
	}
	assert.Equal(t, "3\n", string(parts["archive/version"]))
	assert.Equal(t, "little", string(parts["archive/byteorder"]))
	assert.Len(t, parts["archive/.data/serialization_id"], 40)
	assert.Len(t, parts, 4+len(tensors))
	v, n, err := pickle.Read(parts["archive/data.pkl"], func(pickle.Global) bool { return true })
	require.NoError(t, err)
	assert.Equal(t, len(parts["archive/data.pkl"]), n)
	dict := v.(*pickle.Object)
	assert.Equal(t, "collections.OrderedDict", dict.Callable.String())
	want := []struct {
		storage         string
		numel           int64
		shape, strides  pickle.Tuple
		name, data, key string
	}{
		{"torch.FloatStorage", 2, pickle.Tuple{int64(2), int64(1)}, pickle.Tuple{int64(1), int64(1)}, "b.weight", "", "0"},
		{"torch.LongStorage", 1, pickle.Tuple{}, pickle.Tuple{}, "a \"quoted\"", "", "1"},
		{"torch.ByteStorage", 0, pickle.Tuple{int64(0), int64(5)}, pickle.Tuple{int64(5), int64(1)}, "empty", "", "2"},
		{
			"torch.DoubleStorage", 0, pickle.Tuple{int64(3), int64(0), int64(2)}, pickle.Tuple{int64(2), int64(2), int64(1)},
			"long", "", "3",
		},
	}
	for i, w := range want {
		assert.Equal(t, w.name, dict.Entries.Keys[i])
		tensor := dict.Entries.Values[i].(*pickle.Object)
		assert.Equal(t, "torch._utils._rebuild_tensor_v2", tensor.Callable.String())
		id := tensor.Args[0].(pickle.Persistent).ID.(pickle.Tuple)
		assert.Equal(t, w.storage, id[1].(pickle.Global).String())
		assert.Equal(t, pickle.Tuple{"storage", id[1], w.key, "cpu", w.numel}, id)
		assert.Equal(t, pickle.Tuple{int64(0), w.shape, w.strides, false}, tensor.Args[1:5])
		assert.Equal(t, tensors[i].Data, parts["archive/data/"+w.key])
	}
}

func TestStateDictRefuses(t *testing.T) {
	assert.ErrorContains(
		t, torchscript.WriteStateDict(io.Discard, append(sample(), sample()[0])), `two tensors named "b.weight"`,
	)
	short := sample()[:1]
	short[0].Shape = []int64{3}
	assert.ErrorContains(t, torchscript.WriteStateDict(io.Discard, short), "with 8 bytes")
}

// network has random parameters and running statistics.
type network struct {
	nets.Network
	p, b []torch.Tensor
}

func random(s *torch.Scope, n nets.Network, o torch.Options) network {
	r := network{n, nets.Initialize(s, n.Params(), o), nets.Initialize(s, n.Buffers(), o)}
	for i := range r.p {
		r.p[i] = s.Add(r.p[i], s.Normal(0, 0.05, o, n.Params()[i].Shape...))
	}
	for i := 0; i+1 < len(r.b); i += 3 {
		shape := n.Buffers()[i].Shape
		r.b[i], r.b[i+1] = s.Normal(0, 0.1, o, shape...), s.Uniform(0.5, 2, o, shape...)
	}
	return r
}

func named(specs []nets.Spec, ts []torch.Tensor) (out []nets.NamedTensor) {
	for i, spec := range specs {
		out = append(out, nets.NamedTensor{Name: spec.Name, Tensor: ts[i]})
	}
	return out
}

func (r network) script(t *testing.T, before *torchscript.Preprocess) string {
	g, err := nets.Describe(r.Network)
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "net.pt")
	require.NoError(t, torchscript.WriteScriptFile(path, g, named(r.Params(), r.p), named(r.Buffers(), r.b), before))
	return path
}

func everyNetwork(t *testing.T) map[string]nets.Network {
	backbone := func(name string, stem nets.Stem) nets.Encoder {
		b, err := nets.NewBackbone(name, stem, 0.125)
		require.NoError(t, err)
		return b
	}
	msr, err := nets.NewMSR(nets.MSRConfig{Trunk: "conv4", Width: 0.25, N: 3, C: 5})
	require.NoError(t, err)
	trunk, err := nets.NewMSR(nets.MSRConfig{Trunk: "resnet8", Stem: nets.StemCIFAR, Width: 0.125, N: 2, C: 4})
	require.NoError(t, err)
	part := func(c int64) nets.Encoder {
		e, err := backbone("resnet18", nets.StemCIFAR).(nets.Divisible).Half(c)
		require.NoError(t, err)
		return e
	}
	body := backbone("resnet18", nets.StemSTL)
	form := nets.HeadConfig{Hidden: 16, Out: 8, Layers: 3, Biases: nets.NoBias, Last: nets.Affine}
	return map[string]nets.Network{
		"resnet8": backbone("resnet8", nets.StemCIFAR), "resnet18": body, "resnet50": backbone("resnet50", nets.StemImageNet),
		"conv4": msr, "f_msr on a ResNet": trunk,
		"with a head": nets.Named(
			nets.Child{Name: "backbone", Net: body}, nets.Child{Name: "projector", Net: nets.NewProjector(body.Dim(), 16, 8)},
		),
		"with a head of other form": nets.Named(nets.Child{Name: "backbone", Net: body}, nets.Child{Name: "projector",
			Net: nets.NewHead(body.Dim(), form)}),
		"sides": nets.Sides(nets.Side{Name: "l", Columns: 1, Net: part(1)}, nets.Side{Name: "ab", Columns: 2, Net: part(2)}),
	}
}

// A written network that LibTorch loads has the same names and, at any batch size, the same outputs.
func TestWrittenScriptsGiveTheSame(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer torch.SetGrad(false)()
	for name, net := range everyNetwork(t) {
		t.Run(name, func(t *testing.T) {
			s := torch.NewScope()
			defer func() { require.NoError(t, s.Close()) }()
			r := random(s, net, torch.Float32())
			m, err := torch.LoadScript(r.script(t, nil), gotch.CPU)
			require.NoError(t, err)
			for i, spec := range net.Params() {
				assert.Contains(t, m.Parameters, spec.Name, "parameter %d", i)
			}
			assert.Len(t, m.Parameters, len(net.Params()))
			assert.Len(t, m.Buffers, len(net.Buffers()))
			p, b := m.Tensors(s)
			for _, batch := range []int64{1, 7} {
				x := s.Normal(0, 1, torch.Float32(), batch, 3, 32, 32)
				want := torch.Slice[float32](s, net.Forward(s, r.p, r.b, x, nets.Eval()))
				y := s.Run(m, p, b, x, false, false)
				assert.Equal(t, batch, s.Size(y, 0))
				near(t, want, torch.Slice[float32](s, y), 1e-5)
			}
		})
	}
}

// near compares relative to the largest entry.
func near[T float32 | float64](t *testing.T, want, got []T, rtol float64) {
	t.Helper()
	require.Len(t, got, len(want))
	scale := T(0)
	for _, w := range want {
		scale = max(scale, w, -w)
	}
	assert.InDeltaSlice(t, want, got, rtol*float64(scale))
}

// The written module, as a function of its parameters, has our ResNet's gradients, and moves the same running
// statistics.
func TestAWrittenScriptTrainsAlike(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	s := torch.NewScope()
	defer func() { require.NoError(t, s.Close()) }()
	o := torch.Float64()
	net, err := nets.NewBackbone("resnet18", nets.StemCIFAR, 0.0625)
	require.NoError(t, err)
	r := random(s, net, o)
	script, err := nets.LoadScripted(r.script(t, nil), 32, gotch.CPU)
	require.NoError(t, err)
	require.Equal(t, net.Dim(), script.Dim())
	x := s.Normal(0, 1, o, 4, 3, 16, 16)
	type result struct {
		grads, buffers map[string][]float64
	}
	train := func(n nets.Network, p, b []torch.Tensor) result {
		leaves := s.Leaves(p)
		y := n.Forward(s, leaves, b, x, nets.Train())
		grads := s.Grad([]torch.Tensor{s.Sum(s.Square(y))}, leaves, torch.GradOptions{})
		out := result{map[string][]float64{}, map[string][]float64{}}
		for i, spec := range n.Params() {
			out.grads[spec.Name] = torch.Slice[float64](s, grads[i])
		}
		for i, spec := range n.Buffers() {
			out.buffers[spec.Name] = torch.Slice[float64](s, s.To(b[i], o))
		}
		return out
	}
	got := train(script, nets.Initialize(s, script.Params(), o), nets.Initialize(s, script.Buffers(), o))
	want := train(net, r.p, r.b)
	require.NoError(t, s.Err())
	require.Len(t, got.grads, len(want.grads))
	for name := range want.grads {
		near(t, want.grads[name], got.grads[name], 1e-9)
	}
	assert.Equal(t, []float64{1}, got.buffers["bn1.num_batches_tracked"])
	for name := range want.buffers {
		near(t, want.buffers[name], got.buffers[name], 1e-9)
	}
}
