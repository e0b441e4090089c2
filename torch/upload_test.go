package torch_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/sugarme/gotch"

	"github.com/icl-msr/icl-msr/torch"
)

// devices are the CPU, and a GPU where there is one.
func devices() []gotch.Device {
	if torch.CUDADevices() > 0 {
		return []gotch.Device{gotch.CPU, gotch.CudaBuilder(0)}
	}
	return []gotch.Device{gotch.CPU}
}

// What is uploaded is there for what is queued next, and the caller's memory is free at once; many copies in a row
// reuse memory that copies and kernels before them may still read.
func TestUploadTakesWhatIsThereNow(t *testing.T) {
	for _, device := range devices() {
		require.NoError(t, torch.With(func(s *torch.Scope) error {
			data := make([]float32, 1<<16)
			total := s.Zeros(torch.Options{DType: gotch.Float, Device: device}, int64(len(data)))
			for round := range 50 {
				for i := range data {
					data[i] = float32(round + i)
				}
				s.Within(func(u *torch.Scope) {
					x := torch.Upload(u, data, device, 256, 256)
					u.Copy(total, u.Add(total, u.Reshape(x, -1)))
				})
			}
			for i, v := range torch.Slice[float32](s, total) {
				require.Equal(t, float32(50*i+49*50/2), v)
			}
			bytes := torch.Upload(s, []uint8{1, 2, 3}, device, 3)
			assert.Equal(t, []uint8{1, 2, 3}, torch.Slice[uint8](s, bytes))
			assert.Equal(t, device.Name, s.Like(bytes).Device.Name)
			return s.Err()
		}))
	}
	assert.ErrorContains(t, torch.With(func(s *torch.Scope) error {
		torch.Upload(s, []float32{1, 2, 3}, gotch.CPU, 2, 2)
		return s.Err()
	}), "3 values for a tensor of shape [2 2] (4 values)")
}

// Marks pass in order; on the CPU all that was called is done.
func TestMarksPassInOrder(t *testing.T) {
	for _, device := range devices() {
		first, err := torch.NewMark(device)
		require.NoError(t, err)
		require.NoError(t, torch.With(func(s *torch.Scope) error {
			o := torch.Options{DType: gotch.Float, Device: device}
			s.MatMul(s.Full(1, o, 512, 512), s.Full(1, o, 512, 512))
			return s.Err()
		}))
		second, err := torch.NewMark(device)
		require.NoError(t, err)
		require.NoError(t, torch.Synchronize(device))
		for _, m := range []*torch.Mark{first, second} {
			passed, err := m.Passed()
			require.NoError(t, err)
			assert.True(t, passed)
		}
		between, err := second.Since(first)
		require.NoError(t, err)
		assert.Equal(t, device != gotch.CPU, between > 0)
	}
}
