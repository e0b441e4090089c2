package torch

// #include "internal/shim/memory.h"
import "C"

import "github.com/sugarme/gotch"

// CUDAPeak returns the largest numbers of bytes since the program's start: held by tensors of a CUDA device, and
// reserved by LibTorch on the device. ok is false on the CPU, and in LibTorch before 2.11, which does not tell.
func CUDAPeak(device gotch.Device) (allocated, reserved int64, ok bool) {
	var a, r C.int64_t
	ok = C.icl_cuda_peak(deviceIndex(device), &a, &r) != 0
	return int64(a), int64(r), ok
}
