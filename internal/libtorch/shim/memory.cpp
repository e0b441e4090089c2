// Memory of GPUs, without CUDA's headers.
#include <torch/version.h>

#include <cstddef>

#include "common.hpp"
#include "memory.h"

// The allocators of all devices share one interface since LibTorch 2.9 or so; 2.8
// lacks it, 2.11 has it.
#if TORCH_VERSION_MAJOR > 2 || (TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR >= 11)
#include <c10/core/CachingDeviceAllocator.h>
#define ICL_ALLOCATOR_STATS
#endif

int icl_cuda_peak(int device, int64_t* allocated, int64_t* reserved) {
#ifdef ICL_ALLOCATOR_STATS
  try {
    auto* a = dynamic_cast<c10::DeviceAllocator*>(c10::GetAllocator(c10::DeviceType::CUDA));
    if (device < 0 || a == nullptr || !a->initialized()) return 0;
    const auto stats = a->getDeviceStats(static_cast<c10::DeviceIndex>(device));
    constexpr auto all = static_cast<size_t>(c10::CachingAllocator::StatType::AGGREGATE);
    *allocated = stats.allocated_bytes[all].peak;
    *reserved = stats.reserved_bytes[all].peak;
    return 1;
  } catch (...) {
  }
#endif
  (void)device, (void)allocated, (void)reserved;
  return 0;
}
