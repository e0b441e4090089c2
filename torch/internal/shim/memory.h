// Memory of GPUs: part of the C face (shim.h).
#pragma once
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// The largest number of bytes that tensors of a CUDA device held at a time, and that
// LibTorch held of the device for them, since its start; 0 where this LibTorch does not
// tell.
int icl_cuda_peak(int device, int64_t* allocated, int64_t* reserved);

#ifdef __cplusplus
}
#endif
