// How much memory of a GPU was used: part of the C interface (shim.h).
#pragma once
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// The largest numbers of bytes since the program's start: held by tensors of a CUDA device, and reserved by LibTorch on
// the device. The result is 0 if this LibTorch does not tell.
int icl_cuda_peak(int device, int64_t* allocated, int64_t* reserved);

#ifdef __cplusplus
}
#endif
