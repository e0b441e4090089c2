package torch

// #include "internal/shim/memory.h"
import "C"

import "github.com/sugarme/gotch"

// CUDAPeak is the largest number of bytes that tensors on a CUDA device held at a
// time since the program's start, and that LibTorch held of the device for them. ok
// is false on the CPU, and where this LibTorch does not tell (before 2.11).
func CUDAPeak(device gotch.Device) (allocated, reserved int64, ok bool) {
	var a, r C.int64_t
	ok = C.icl_cuda_peak(deviceIndex(device), &a, &r) != 0
	return int64(a), int64(r), ok
}
