package torch_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/icl-msr/icl-msr/losses"
	"github.com/icl-msr/icl-msr/torch"
)

// A loss's gradient, by hand.
func ExampleScope() {
	err := torch.With(func(s *torch.Scope) error {
		x := s.Leaves([]torch.Tensor{torch.FromSlice(s, []float64{1, 2, 3}, torch.CPU(), 3)})
		y := s.Sum(s.Square(x[0]))
		g := s.Grad([]torch.Tensor{y}, x, torch.GradOptions{})
		fmt.Println(s.Item(y), torch.Slice[float64](s, g[0]))
		return s.Err()
	})
	fmt.Println(err)
	// Output:
	// 14 [2 4 6]
	// <nil>
}

func TestNumbersInAndOut(t *testing.T) {
	s := torch.NewScope()
	x := torch.FromSlice(s, []int64{1, 2, 3, 4, 5, 6}, torch.CPU(), 2, 3)
	assert.Equal(t, []int64{1, 4, 2, 5, 3, 6}, torch.Slice[int64](s, s.Contiguous(s.T(x))))
	assert.Equal(t, []float32{6}, torch.Slice[float32](s, s.To(s.Select(s.Select(x, 0, 1), 0, 2), torch.Float32())))
	d, err := x.Describe()
	require.NoError(t, err)
	assert.Equal(t, torch.I64, d.DType)
	assert.Equal(t, torch.CPU(), d.Device)
	torch.Slice[float64](s, x)
	assert.ErrorContains(t, s.Close(), "a tensor of Int64 read as Double")
	torch.FromSlice(s, []uint8{1, 2}, torch.CPU(), 3)
	assert.ErrorContains(t, s.Close(), "2 values for a tensor of shape [3]")
}

func TestASeedFixesWhatIsDrawn(t *testing.T) {
	s := torch.NewScope()
	defer s.Close()
	draw := func(seed uint64) []float32 {
		require.NoError(t, torch.ManualSeed(seed))
		return torch.Slice[float32](s, s.Normal(0, 1, torch.Float32(), 8))
	}
	first := draw(1)
	assert.Equal(t, first, draw(1))
	assert.NotEqual(t, first, draw(2))
	assert.ErrorContains(t, torch.SetThreads(0), "0 threads")
}

// The types are those of the other packages: without a conversion, and without
// a graph where there is to be none.
func TestLossesTakeThem(t *testing.T) {
	s := torch.NewScope()
	defer s.Close()
	z := s.Leaves([]torch.Tensor{torch.FromSlice(s, []float64{1, 0, 0, 1}, torch.CPU(), 2, 2)})
	var constant torch.Tensor
	torch.NoGrad(func() { constant = losses.NTXent(s, losses.NewPair(z[0], z[0]), 0.5) })
	d, err := constant.Describe()
	require.NoError(t, err)
	assert.False(t, d.RequiresGrad)
	assert.InDelta(t, 0.2395, s.Item(constant), 1e-4)
	d, err = losses.NTXent(s, losses.NewPair(z[0], z[0]), 0.5).Describe()
	require.NoError(t, err)
	assert.True(t, d.RequiresGrad)
}
