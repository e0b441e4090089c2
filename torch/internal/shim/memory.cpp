// How much memory of a GPU was used, without CUDA's headers.
#include <cstddef>

#include "common.hpp"
#include "compat.hpp"
#include "memory.h"

#ifdef ICL_DEVICE_ALLOCATOR
#include <c10/core/CachingDeviceAllocator.h>
#endif

int icl_cuda_peak(int device, int64_t* allocated, int64_t* reserved) {
#ifdef ICL_DEVICE_ALLOCATOR
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
