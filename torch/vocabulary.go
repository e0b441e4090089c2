package torch

import "github.com/sugarme/gotch"

type (
	// Device is the CPU or a CUDA device: gotch's type.
	Device = gotch.Device
	// DType is an element type: gotch's type.
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

// CPU is the device of the machine's own memory.
func CPU() Device { return gotch.CPU }

// CUDA is CUDA device i, from 0. [CUDADevices] tells how many there are.
func CUDA(i uint) Device { return gotch.CudaBuilder(i) }
