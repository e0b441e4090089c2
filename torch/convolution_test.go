package torch_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/icl-msr/icl-msr/torch"
)

// oneDNN's gradient by the weights wrote past its memory, and crashed, for 1x1
// convolutions with a stride of few channels that are innermost.
func TestStridedConvolutionsOfFewChannels(t *testing.T) {
	pinned(t)
	require.NoError(t, torch.ManualSeed(4))
	s := torch.NewScope()
	for _, channels := range []int64{2, 3, 4, 6, 8, 12} {
		x, w := s.Normal(0, 1, torch.Float64(), 16, channels, 9, 9), s.Normal(0, 1, torch.Float64(), 8, channels, 1, 1)
		gradients := func(x, w tensor) []tensor {
			leaves := s.Leaves([]tensor{x, w})
			y := s.Conv2d(leaves[0], leaves[1], tensor{}, 2, 0)
			assert.Equal(t, []int64{16, 8, 5, 5}, s.Shape(y))
			return s.Grad([]tensor{s.Mean(s.Square(y))}, leaves, torch.GradOptions{})
		}
		want := gradients(x, w)
		for range 20 {
			got := gradients(s.ChannelsLast(s.To(x, torch.Float32())), s.ChannelsLast(s.To(w, torch.Float32())))
			for i := range want {
				exact, near := torch.Slice[float64](s, want[i]), torch.Slice[float64](s, s.To(got[i], torch.Float64()))
				require.InDeltaSlice(t, exact, near, 1e-5, "%d channels", channels)
			}
		}
	}
	require.NoError(t, s.Close())
}
