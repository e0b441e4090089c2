// Package tensors is what a program of one's own needs beside this module's
// other packages: scopes and tensors, numbers in and out, devices, seeds, grad
// mode and derivatives. Its types are those that all signatures here mention:
// tensors.Scope is nets.Scope, losses.Scope and so on.
//
//	err := tensors.With(func(s *tensors.Scope) error {
//		x := tensors.FromSlice(s, []float32{1, 2, 3, 4}, tensors.CPU(), 2, 2)
//		y := s.Sum(s.Square(x))
//		fmt.Println(s.Item(y)) // 30
//		return s.Err()
//	})
//
// The rules:
//
//   - A tensor belongs to the scope that made it and is dead once that is closed;
//     [Scope].Hold gives another scope a handle of its own.
//   - Operations are methods on the scope, which keeps the first error and then does
//     nothing more: ask Err once, at the end of a step.
//   - A scope is used by one goroutine at a time. Grad mode belongs to the OS
//     thread: who trains in a loop holds runtime.LockOSThread.
//   - Nothing is in place but what its comment says.
//
// `go doc github.com/icl-msr/icl-msr/internal/libtorch.Scope` lists the
// operations. Among them, by kind: Zeros, Full, Arange, Normal,
// Uniform; Add, Sub, Mul, Div, MatMul, MulScalar, AddScalar; Exp, Log, Sqrt,
// Square, Pow, Tanh, Sigmoid, ReLU; Sum, Mean, SumDim, MeanDim, LogSumExp,
// LogSoftmax; Reshape, Transpose, Narrow, Select, Cat, Stack, Gather,
// IndexSelect, Where, MaskedFill; Linear, Conv2d, MaxPool2d, BatchNorm,
// CrossEntropy, Normalize; Cholesky, Eigh; Leaves, Grad, JVP, Detach; Item,
// Shape, Size, To, Copy.
package tensors

import (
	"github.com/sugarme/gotch"

	"github.com/icl-msr/icl-msr/internal/libtorch"
)

type (
	// Tensor is a handle to a LibTorch tensor; the zero Tensor is "none".
	Tensor = libtorch.Tensor
	// Scope owns tensors, has the operations as methods, and keeps the first error.
	Scope = libtorch.Scope
	// Options say what a new tensor holds and where: DType and Device.
	Options = libtorch.Options
	// Description tells a tensor's Options, Shape and whether it requires grad
	// (Tensor.Describe).
	Description = libtorch.Description
	// GradOptions say how Scope.Grad treats the graph.
	GradOptions = libtorch.GradOptions
	// Norm are the tensors of a batch norm.
	Norm = libtorch.Norm
	// NormMode says which statistics a batch norm uses.
	NormMode = libtorch.NormMode
	// Error is a failure inside LibTorch: the operation and LibTorch's first line.
	Error = libtorch.Error
	// Device is the CPU or a CUDA device: gotch's.
	Device = gotch.Device
	// DType is an element type: gotch's.
	DType = gotch.DType
)

// The element types.
const (
	F16  = gotch.Half
	BF16 = gotch.BFloat16
	F32  = gotch.Float
	F64  = gotch.Double
	I64  = gotch.Int64
	U8   = gotch.Uint8
)

// Number is an element type that passes between Go slices and tensors.
type Number interface{ libtorch.Number }

// CPU is the device of the machine's own memory.
func CPU() Device { return gotch.CPU }

// CUDA is CUDA device i, from 0; whether it is there, CUDADevices tells.
func CUDA(i uint) Device { return gotch.CudaBuilder(i) }

// CUDADevices returns the number of CUDA devices that can be used: 0 in a CPU
// build or on a machine without a driver.
func CUDADevices() int { return libtorch.CUDADevices() }

// Synchronize waits for the work queued on a CUDA device; it does nothing for
// the CPU.
func Synchronize(d Device) error { return libtorch.Synchronize(d) }

// Float32 are the options of a float32 tensor on the CPU.
func Float32() Options { return libtorch.Float32() }

// Float64 are the options of a float64 tensor on the CPU.
func Float64() Options { return libtorch.Float64() }

// NewScope returns an empty scope. Close it.
func NewScope() *Scope { return libtorch.NewScope() }

// With runs f in a scope of its own, closes it, and returns f's error or else
// the scope's.
func With(f func(s *Scope) error) error { return libtorch.With(f) }

// FromSlice copies data, row-major, into a new tensor of s of the given shape on
// the device. No dimensions: a scalar. A shape of another length fails s.
func FromSlice[T Number](s *Scope, data []T, d Device, shape ...int64) Tensor {
	return libtorch.FromSlice(s, data, d, shape...)
}

// Slice copies t's elements, row-major, into a new slice; nil after an error. T
// must be t's type: convert with Scope.To first.
func Slice[T Number](s *Scope, t Tensor) []T { return libtorch.Slice[T](s, t) }

// SetGrad turns the recording of graphs on or off for this OS thread, which the
// goroutine holds until restore is called. Calls nest. It is on at first.
//
//	defer tensors.SetGrad(false)()
func SetGrad(on bool) (restore func()) { return libtorch.SetGrad(on) }

// NoGrad runs f without recording graphs.
func NoGrad(f func()) { libtorch.NoGrad(f) }

// ManualSeed seeds the generators of all devices: what nets.Initialize, Normal
// and Uniform draw from.
func ManualSeed(seed uint64) error { return libtorch.ManualSeed(seed) }

// SetThreads sets the number of threads of an operation on the CPU, 1 or more.
// Call it on the OS thread that will call LibTorch.
func SetThreads(n int) error { return libtorch.SetThreads(n) }

// Threads returns the number of threads of an operation on the CPU.
func Threads() int { return libtorch.Threads() }

// KeepMemory lets this process keep the memory that a step frees for the next
// one, with glibc: up to a fifth of a step. It is for programs that do little else.
func KeepMemory() { libtorch.KeepMemory() }

// Version returns the version of the LibTorch that the program was compiled
// with, as "2.1.0".
func Version() string { return libtorch.Version() }
