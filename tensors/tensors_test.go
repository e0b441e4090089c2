package tensors_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/icl-msr/icl-msr/losses"
	"github.com/icl-msr/icl-msr/tensors"
)

// A loss's gradient, by hand.
func ExampleScope() {
	err := tensors.With(func(s *tensors.Scope) error {
		x := s.Leaves([]tensors.Tensor{tensors.FromSlice(s, []float64{1, 2, 3}, tensors.CPU(), 3)})
		y := s.Sum(s.Square(x[0]))
		g := s.Grad([]tensors.Tensor{y}, x, tensors.GradOptions{})
		fmt.Println(s.Item(y), tensors.Slice[float64](s, g[0]))
		return s.Err()
	})
	fmt.Println(err)
	// Output:
	// 14 [2 4 6]
	// <nil>
}

func TestNumbersInAndOut(t *testing.T) {
	s := tensors.NewScope()
	x := tensors.FromSlice(s, []int64{1, 2, 3, 4, 5, 6}, tensors.CPU(), 2, 3)
	assert.Equal(t, []int64{1, 4, 2, 5, 3, 6}, tensors.Slice[int64](s, s.Contiguous(s.T(x))))
	assert.Equal(t, []float32{6}, tensors.Slice[float32](s, s.To(s.Select(s.Select(x, 0, 1), 0, 2), tensors.Float32())))
	d, err := x.Describe()
	require.NoError(t, err)
	assert.Equal(t, tensors.I64, d.DType)
	assert.Equal(t, tensors.CPU(), d.Device)
	tensors.Slice[float64](s, x)
	assert.ErrorContains(t, s.Close(), "a tensor of Int64 read as Double")
	tensors.FromSlice(s, []uint8{1, 2}, tensors.CPU(), 3)
	assert.ErrorContains(t, s.Close(), "2 values for a tensor of shape [3]")
}

func TestASeedFixesWhatIsDrawn(t *testing.T) {
	s := tensors.NewScope()
	defer s.Close()
	draw := func(seed uint64) []float32 {
		require.NoError(t, tensors.ManualSeed(seed))
		return tensors.Slice[float32](s, s.Normal(0, 1, tensors.Float32(), 8))
	}
	first := draw(1)
	assert.Equal(t, first, draw(1))
	assert.NotEqual(t, first, draw(2))
	assert.ErrorContains(t, tensors.SetThreads(0), "0 threads")
}

// The types are those of the other packages: without a conversion, and without
// a graph where there is to be none.
func TestLossesTakeThem(t *testing.T) {
	s := tensors.NewScope()
	defer s.Close()
	z := s.Leaves([]tensors.Tensor{tensors.FromSlice(s, []float64{1, 0, 0, 1}, tensors.CPU(), 2, 2)})
	var constant tensors.Tensor
	tensors.NoGrad(func() { constant = losses.NTXent(s, losses.Local(z[0], z[0]), 0.5) })
	d, err := constant.Describe()
	require.NoError(t, err)
	assert.False(t, d.RequiresGrad)
	assert.InDelta(t, 0.2395, s.Item(constant), 1e-4)
	d, err = losses.NTXent(s, losses.Local(z[0], z[0]), 0.5).Describe()
	require.NoError(t, err)
	assert.True(t, d.RequiresGrad)
}
