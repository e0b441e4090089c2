package train

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/icl-msr/icl-msr/nets"
	"github.com/icl-msr/icl-msr/torch"
	"github.com/icl-msr/icl-msr/torchscript"
)

// An exported tensor keeps its dtype. An unknown dtype is an error, not a tensor of bytes.
func TestExportedDTypes(t *testing.T) {
	e := Exported{Net: nets.Named(), tensors: []torchscript.Tensor{
		{Name: "half", DType: "F16", Shape: []int64{2}, Data: []byte{0, 0x3c, 0, 0x40}},
	}}
	called := false
	require.NoError(t, e.loaded(func(_, buffers []nets.NamedTensor) error {
		called = true
		d, err := buffers[0].Tensor.Describe()
		assert.Equal(t, torch.F16, d.DType)
		return err
	}))
	assert.True(t, called)
	e.tensors[0].DType = "F8_E4M3"
	err := e.loaded(func(_, _ []nets.NamedTensor) error { t.Error("an unknown dtype is used"); return nil })
	assert.ErrorContains(t, err, `half: unknown dtype "F8_E4M3"`)
}
