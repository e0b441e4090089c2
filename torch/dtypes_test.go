package torch_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/sugarme/gotch"

	"github.com/icl-msr/icl-msr/torch"
)

// Each row is a dtype of LibTorch: a tensor of it has the row's size, and a one of it is one.
func TestElementTypesAreThoseOfLibTorch(t *testing.T) {
	s := torch.NewScope()
	seen := map[torch.DType]bool{}
	for _, e := range torch.ElementTypes() {
		assert.False(t, seen[e.DType], e.Name)
		seen[e.DType] = true
		ones := s.Full(1, torch.Options{DType: e.DType, Device: torch.CPU()}, 3)
		assert.Equal(t, e.DType, s.Like(ones).DType)
		assert.Equal(t, []float64{1, 1, 1}, torch.Slice[float64](s, s.To(ones, torch.Float64())), e.Name)
		data := s.Bytes(ones)
		assert.Len(t, data, int(3*e.Size), e.Name)
		half := s.Item(s.To(s.Full(0.5, torch.Float64()), torch.Options{DType: e.DType, Device: torch.CPU()}))
		assert.Equal(t, e.Float, half == 0.5, e.Name)
		back := s.FromBytes(data, torch.Options{DType: e.DType, Device: torch.CPU()}, 3)
		assert.Equal(t, 3.0, s.Item(s.Sum(s.To(back, torch.Float64()))), e.Name)
		row, err := torch.ElementTypeNamed(e.Name)
		require.NoError(t, err)
		assert.Equal(t, e, row)
		row, err = torch.ElementTypeOf(e.DType)
		require.NoError(t, err)
		assert.Equal(t, e, row)
	}
	require.NoError(t, s.Close())
	_, err := torch.ElementTypeNamed("C128")
	assert.EqualError(t, err, `unknown dtype "C128"; known: F64, F32, F16, BF16, I64, I32, I16, I8, U8, BOOL`)
	_, err = torch.ElementTypeOf(gotch.ComplexFloat)
	assert.ErrorContains(t, err, "want one of F64")
}
