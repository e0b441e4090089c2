package torch

// #include "internal/shim/shim.h"
import "C"

import (
	"fmt"
	"runtime"
	"time"
	"unsafe"

	"github.com/sugarme/gotch"
)

// Upload is FromSlice for the data of a step. To a CUDA device the copy runs while the device computes, and the host
// does not wait for it. Work that is queued on the device afterwards waits for the copy. data may be overwritten at
// once. On the CPU Upload is FromSlice.
func Upload[T Number](s *Scope, data []T, device gotch.Device, shape ...int64) Tensor {
	if n := product(shape); n != int64(len(data)) {
		s.Fail(fmt.Errorf("torch: %d values for a tensor of shape %v (%d values)", len(data), shape, n))
		return Tensor{}
	}
	return s.op("upload", func(out *C.icl_tensor) C.icl_error {
		dims, n := ints(shape)
		return C.icl_upload(out, unsafe.Pointer(unsafe.SliceData(data)), dims, n, C.int(kindOf[T]()), deviceIndex(device))
	})
}

// Mark is a point in the queue of a CUDA device. The CPU has no queue: its marks are nil, and a nil Mark has passed.
type Mark struct{ c C.icl_mark }

// NewMark marks the present end of the device's queue.
func NewMark(device gotch.Device) (*Mark, error) {
	if deviceIndex(device) < 0 {
		return nil, nil
	}
	m := new(Mark)
	if err := toError(C.icl_mark_new(&m.c, deviceIndex(device)), "mark"); err != nil {
		return nil, err
	}
	runtime.AddCleanup(m, func(c C.icl_mark) { C.icl_mark_free(c) }, m.c)
	return m, nil
}

// Passed reports whether the device has reached the mark. It does not wait.
func (m *Mark) Passed() (bool, error) {
	if m == nil {
		return true, nil
	}
	defer runtime.KeepAlive(m)
	var out C.int
	err := toError(C.icl_mark_passed(&out, m.c), "mark")
	return out != 0, err
}

// Since is the time that the device took from one mark to this one. It must have passed both.
func (m *Mark) Since(from *Mark) (time.Duration, error) {
	if m == nil || from == nil {
		return 0, nil
	}
	defer runtime.KeepAlive(m)
	defer runtime.KeepAlive(from)
	var seconds C.double
	err := toError(C.icl_mark_between(&seconds, from.c, m.c), "time between marks")
	return time.Duration(float64(seconds) * float64(time.Second)), err
}
