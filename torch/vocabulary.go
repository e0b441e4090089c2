package torch

import "github.com/sugarme/gotch"

type (
	// Device is the CPU or a CUDA device.
	Device = gotch.Device
	// DType is an element type. [ElementTypes] lists their names.
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

// CPU is the CPU as a device.
func CPU() Device { return gotch.CPU }

// CUDA is CUDA device i, from 0 to [CUDADevices] - 1.
func CUDA(i uint) Device { return gotch.CudaBuilder(i) }
