package nets_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/sugarme/gotch"
	"github.com/sugarme/gotch/ts"

	"github.com/icl-msr/icl-msr/internal/reference"
	"github.com/icl-msr/icl-msr/nets"
	"github.com/icl-msr/icl-msr/torch"
)

func scripted(t *testing.T, name string) *nets.Scripted {
	net, err := nets.LoadScripted(filepath.Join("testdata", name), 6, gotch.CPU)
	require.NoError(t, err)
	return net
}

// The fixtures' values are PyTorch's (testdata/scripted.py): features in both modes, gradients by all parameters, and
// the buffers after training.
func TestScriptedAgreesWithPyTorch(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	data, err := os.ReadFile("testdata/scripted.json")
	require.NoError(t, err)
	var want struct {
		Parameters []string
		Eval       []float64
		Train      []float64
		Grads      map[string][]float64
		Buffers    map[string][]float64
	}
	require.NoError(t, json.Unmarshal(data, &want))
	net := scripted(t, "scripted.pt")
	assert.EqualValues(t, 4, net.Dim())
	require.NoError(t, net.Trainable())
	s := torch.NewScope()
	defer func() { require.NoError(t, s.Close()) }()
	p, b := nets.Initialize(s, net.Params(), torch.Float64()), nets.Initialize(s, net.Buffers(), torch.Float64())
	x := s.Reshape(sinusoid(s, 5*3*6*6, 0.11, 0, (*ts.Tensor).MustCos), 5, 3, 6, 6)
	reference.Near(t, want.Eval, torch.Slice[float64](s, net.Forward(s, p, b, x, nets.Eval())), 1e-10, "eval features")
	s.SetRequiresGrad(true, p...)
	before := bytesOf(s, b)
	y := net.Forward(s, p, b, x, nets.Meta())
	reference.Near(t, want.Train, torch.Slice[float64](s, y), 1e-10, "features of the batch's statistics")
	assert.Equal(t, before, bytesOf(s, b), "the meta mode leaves the buffers alone")
	y = net.Forward(s, p, b, x, nets.Train())
	grads := s.Grad([]torch.Tensor{s.Sum(s.Square(y))}, p, torch.GradOptions{})
	for i, spec := range net.Params() {
		assert.Equal(t, want.Parameters[i], spec.Name)
		assert.InDeltaSlice(t, want.Grads[spec.Name], torch.Slice[float64](s, grads[i]), 1e-10, "gradient of "+spec.Name)
	}
	for i, spec := range net.Buffers() {
		reference.Near(t, want.Buffers[spec.Name], torch.Slice[float64](s, s.To(b[i], torch.Float64())), 1e-10, spec.Name)
	}
	// The file's own tensors have not changed.
	again := nets.Initialize(s, net.Buffers(), torch.Float64())
	assert.Equal(t, before, bytesOf(s, again))
}

func bytesOf(s *torch.Scope, ts []torch.Tensor) (out [][]byte) {
	for _, t := range ts {
		out = append(out, s.Bytes(t))
	}
	return out
}

func TestScriptedRefusals(t *testing.T) {
	for name, want := range map[string]string{
		"gone.pt":     "checkpoints hold its parameters",
		"batch.pt":    "1 of its batch norms always take the batch's statistics",
		"pair.pt":     "forward(x: Tensor) -> Tuple[Tensor, Tensor], want forward(x: Tensor) -> Tensor",
		"scripted.py": "is not a TorchScript archive",
		".":           "is a folder",
	} {
		_, err := nets.LoadScripted(filepath.Join("testdata", name), 6, gotch.CPU)
		assert.ErrorContains(t, err, want, name)
		assert.NotContains(t, err.Error(), "\n", name)
	}
	frozen := scripted(t, "frozen.pt")
	assert.ErrorContains(t, frozen.Trainable(), "it can be evaluated, not trained")
	traced := scripted(t, "traced.pt")
	assert.Equal(t, 1, traced.AlwaysRunning())
	require.NoError(t, traced.Trainable())
	s := torch.NewScope()
	p, b := nets.Initialize(s, traced.Params(), torch.Float32()), nets.Initialize(s, traced.Buffers(), torch.Float32())
	x := s.Normal(0, 1, torch.Float32(), 3, 3, 6, 6)
	y := torch.Slice[float32](s, traced.Forward(s, p, b, x, nets.Eval()))
	z := torch.Slice[float32](
		s, frozen.Forward(s, nil, nets.Initialize(s, frozen.Buffers(), torch.Float32()), x, nets.Eval()),
	)
	require.NoError(t, s.Err())
	assert.InDeltaSlice(t, y, z, 1e-6)
	traced.Forward(s, p, b, s.Narrow(x, 1, 0, 2), nets.Eval())
	assert.EqualError(t, s.Close(), "torch: TorchScript module: Given groups=1, weight of size [4, 3, 3, 3], "+
		"expected input[3, 2, 6, 6] to have 3 channels, but got 2 channels instead",
		"the operation's own message, not the traceback")
}
