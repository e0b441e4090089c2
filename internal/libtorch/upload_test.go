package libtorch_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/sugarme/gotch"

	"github.com/icl-msr/icl-msr/internal/libtorch"
)

// devices are the CPU, and a GPU where there is one.
func devices() []gotch.Device {
	if libtorch.CUDADevices() > 0 {
		return []gotch.Device{gotch.CPU, gotch.CudaBuilder(0)}
	}
	return []gotch.Device{gotch.CPU}
}

// What is uploaded is there for what is queued next, and the caller's memory is free at once; many copies in a row
// reuse memory that copies and kernels before them may still read.
func TestUploadTakesWhatIsThereNow(t *testing.T) {
	for _, device := range devices() {
		require.NoError(t, libtorch.With(func(s *libtorch.Scope) error {
			data := make([]float32, 1<<16)
			total := s.Zeros(libtorch.Options{DType: gotch.Float, Device: device}, int64(len(data)))
			for round := range 50 {
				for i := range data {
					data[i] = float32(round + i)
				}
				s.Within(func(u *libtorch.Scope) {
					x := libtorch.Upload(u, data, device, 256, 256)
					u.Copy(total, u.Add(total, u.Reshape(x, -1)))
				})
			}
			for i, v := range libtorch.Slice[float32](s, total) {
				require.Equal(t, float32(50*i+49*50/2), v)
			}
			bytes := libtorch.Upload(s, []uint8{1, 2, 3}, device, 3)
			assert.Equal(t, []uint8{1, 2, 3}, libtorch.Slice[uint8](s, bytes))
			assert.Equal(t, device.Name, s.Like(bytes).Device.Name)
			return s.Err()
		}))
	}
	assert.ErrorContains(t, libtorch.With(func(s *libtorch.Scope) error {
		libtorch.Upload(s, []float32{1, 2, 3}, gotch.CPU, 2, 2)
		return s.Err()
	}), "3 values for a tensor of shape [2 2] (4 values)")
}

// Marks pass in order; on the CPU all that was called is done.
func TestMarksPassInOrder(t *testing.T) {
	for _, device := range devices() {
		first, err := libtorch.NewMark(device)
		require.NoError(t, err)
		require.NoError(t, libtorch.With(func(s *libtorch.Scope) error {
			o := libtorch.Options{DType: gotch.Float, Device: device}
			s.MatMul(s.Full(1, o, 512, 512), s.Full(1, o, 512, 512))
			return s.Err()
		}))
		second, err := libtorch.NewMark(device)
		require.NoError(t, err)
		require.NoError(t, libtorch.Synchronize(device))
		for _, m := range []*libtorch.Mark{first, second} {
			passed, err := m.Passed()
			require.NoError(t, err)
			assert.True(t, passed)
		}
		between, err := second.Since(first)
		require.NoError(t, err)
		assert.Equal(t, device != gotch.CPU, between > 0)
	}
}
