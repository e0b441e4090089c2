package torch

// #include "internal/shim/shim.h"
import "C"

import (
	"fmt"
	"unsafe"

	"github.com/sugarme/gotch"
)

const maxDim = 8

// Options are the dtype and the device of a new tensor. The zero value is not valid: start from Float32 or Float64.
type Options struct {
	DType  gotch.DType
	Device gotch.Device
}

// Float32 are the options of a float32 tensor on the CPU.
func Float32() Options { return Options{gotch.Float, gotch.CPU} }

// Float64 are the options of a float64 tensor on the CPU.
func Float64() Options { return Options{gotch.Double, gotch.CPU} }

func (o Options) c() (kind, device C.int) { return C.int(o.DType), deviceIndex(o.Device) }

// StandIn is the device that tests use in place of a GPU (internal/standin).
func StandIn() gotch.Device { return gotch.Device{Name: "stand-in", Value: -2} }

// deviceIndex is the shim's code of a device: the index of a CUDA device, -1 for the CPU, -2 for the stand-in.
func deviceIndex(d gotch.Device) C.int {
	if d.Name == gotch.CPU.Name {
		return -1
	}
	return C.int(d.Value)
}

func deviceOf(index C.int) gotch.Device {
	switch index {
	case -1:
		return gotch.CPU
	case -2:
		return StandIn()
	}
	return gotch.CudaBuilder(uint(index))
}

func ints(xs []int64) (*C.int64_t, C.int) {
	return (*C.int64_t)(unsafe.SliceData(xs)), C.int(len(xs))
}

// Number is the element type of a Go slice that can become a tensor, and the other way.
type Number interface {
	float32 | float64 | int64 | uint8
}

func kindOf[T Number]() gotch.DType {
	switch any(*new(T)).(type) {
	case float32:
		return gotch.Float
	case float64:
		return gotch.Double
	case int64:
		return gotch.Int64
	default:
		return gotch.Uint8
	}
}

// FromSlice copies row-major data into a new tensor of the given shape on the device.
func FromSlice[T Number](s *Scope, data []T, device gotch.Device, shape ...int64) Tensor {
	if n := product(shape); n != int64(len(data)) {
		s.Fail(fmt.Errorf("torch: %d values for a tensor of shape %v (%d values)", len(data), shape, n))
		return Tensor{}
	}
	return s.op("from slice", func(out *C.icl_tensor) C.icl_error {
		dims, n := ints(shape)
		from := unsafe.Pointer(unsafe.SliceData(data))
		return C.icl_from_data(out, from, dims, n, C.int(kindOf[T]()), deviceIndex(device))
	})
}

// FromBytes copies row-major, little-endian numbers of the dtype in o into a new tensor.
func (s *Scope) FromBytes(data []byte, o Options, shape ...int64) Tensor {
	e, err := ElementTypeOf(o.DType)
	if want := product(shape) * e.Size; err == nil && want != int64(len(data)) {
		err = fmt.Errorf("torch: %d bytes for a tensor of shape %v (%d bytes)", len(data), shape, want)
	}
	if err != nil {
		s.Fail(err)
		return Tensor{}
	}
	return s.op("from bytes", func(out *C.icl_tensor) C.icl_error {
		dims, n := ints(shape)
		kind, device := o.c()
		return C.icl_from_data(out, unsafe.Pointer(unsafe.SliceData(data)), dims, n, kind, device)
	})
}

// Slice copies the entries of t, row-major, into a new slice. T must be the dtype of t.
func Slice[T Number](s *Scope, t Tensor) []T {
	d := s.describe(t)
	if s.err != nil {
		return nil
	}
	if want := kindOf[T](); d.DType != want {
		s.Fail(fmt.Errorf("torch: a tensor of %v read as %v", d.DType, want))
		return nil
	}
	out := make([]T, product(d.Shape))
	size := C.int64_t(len(out)) * C.int64_t(unsafe.Sizeof(*new(T)))
	s.do("slice", func() C.icl_error { return C.icl_copy_out(t.c, unsafe.Pointer(unsafe.SliceData(out)), size) })
	return out
}

// Bytes copies the entries of t, row-major and little-endian, into a new slice.
func (s *Scope) Bytes(t Tensor) []byte {
	d := s.describe(t)
	if s.err != nil {
		return nil
	}
	e, err := ElementTypeOf(d.DType)
	if err != nil {
		s.Fail(err)
		return nil
	}
	out := make([]byte, product(d.Shape)*e.Size)
	s.do("bytes", func() C.icl_error {
		return C.icl_copy_out(t.c, unsafe.Pointer(unsafe.SliceData(out)), C.int64_t(len(out)))
	})
	return out
}

// Item returns the value of a tensor with one element.
func (s *Scope) Item(t Tensor) float64 {
	var out C.double
	s.do("item", func() C.icl_error { return C.icl_item(&out, t.c) })
	return float64(out)
}

// Full returns a tensor of the given shape whose entries are all v.
func (s *Scope) Full(v float64, o Options, shape ...int64) Tensor {
	return s.op("full", func(out *C.icl_tensor) C.icl_error {
		dims, n := ints(shape)
		kind, device := o.c()
		return C.icl_full(out, dims, n, C.double(v), kind, device)
	})
}

// Zeros returns a tensor of zeros.
func (s *Scope) Zeros(o Options, shape ...int64) Tensor { return s.Full(0, o, shape...) }

// Arange returns the int64 tensor from, from+1, ..., to-1.
func (s *Scope) Arange(from, to int64, device gotch.Device) Tensor {
	return s.op("arange", func(out *C.icl_tensor) C.icl_error {
		return C.icl_arange(out, C.int64_t(from), C.int64_t(to), deviceIndex(device))
	})
}

// Normal draws from N(mean, std²). It uses the CPU's generator on every device, so a seed gives the same numbers
// everywhere.
func (s *Scope) Normal(mean, std float64, o Options, shape ...int64) Tensor {
	return s.random(1, mean, std, o, shape)
}

// Uniform draws from U(low, high), with the CPU's generator as Normal does.
func (s *Scope) Uniform(low, high float64, o Options, shape ...int64) Tensor {
	return s.random(0, low, high, o, shape)
}

func (s *Scope) random(normal C.int, a, b float64, o Options, shape []int64) Tensor {
	return s.op("random", func(out *C.icl_tensor) C.icl_error {
		dims, n := ints(shape)
		kind, device := o.c()
		return C.icl_random(out, dims, n, normal, C.double(a), C.double(b), kind, device)
	})
}

// To converts t to a dtype and a device. If t has both the result is t itself.
func (s *Scope) To(t Tensor, o Options) Tensor {
	return s.op("to", func(out *C.icl_tensor) C.icl_error {
		kind, device := o.c()
		return C.icl_to(out, t.c, kind, device)
	})
}

// Copy writes src into dst in place, outside of any graph. The shapes must be equal.
func (s *Scope) Copy(dst, src Tensor) {
	s.do("copy", func() C.icl_error { return C.icl_copy_(dst.c, src.c) })
}

// Description is the shape, dtype and device of a tensor, and whether it requires grad.
type Description struct {
	Options
	Shape        []int64
	RequiresGrad bool
}

// Describe returns the description of t.
func (t Tensor) Describe() (Description, error) {
	var shape [maxDim]C.int64_t
	var dim, kind, device, grad C.int
	if err := toError(C.icl_describe(t.c, &shape[0], maxDim, &dim, &kind, &device, &grad), "describe"); err != nil {
		return Description{}, err
	}
	d := Description{
		Options:      Options{gotch.DType(kind), deviceOf(device)},
		Shape:        make([]int64, dim),
		RequiresGrad: grad != 0,
	}
	for i := range d.Shape {
		d.Shape[i] = int64(shape[i])
	}
	return d, nil
}

func (s *Scope) describe(t Tensor) Description {
	if s.err != nil {
		return Description{}
	}
	d, err := t.Describe()
	if err != nil {
		s.Fail(err)
	}
	return d
}

// Shape returns the sizes of t; nil after an error.
func (s *Scope) Shape(t Tensor) []int64 { return s.describe(t).Shape }

// Like returns the dtype and the device of t, for tensors that are used with it.
func (s *Scope) Like(t Tensor) Options { return s.describe(t).Options }

// Size returns the size of t along dim, where -1 is the last dimension; 0 after an error.
func (s *Scope) Size(t Tensor, dim int) int64 {
	shape := s.Shape(t)
	if s.err != nil {
		return 0
	}
	if dim < 0 {
		dim += len(shape)
	}
	if dim < 0 || dim >= len(shape) {
		s.Fail(fmt.Errorf("torch: dimension %d of a tensor of shape %v", dim, shape))
		return 0
	}
	return shape[dim]
}

func product(xs []int64) int64 {
	n := int64(1)
	for _, x := range xs {
		n *= x
	}
	return n
}
