// LibTorch as a whole: seeds, threads, memory, version.
#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <torch/version.h>

#include <limits>

#ifdef __GLIBC__
#include <malloc.h>
#endif

#include "common.hpp"

using icl::handle;
using icl::in;

namespace {
const at::Generator& generator(int device) {
  if (device < 0) return at::globalContext().defaultGenerator(at::kCPU);
  return at::globalContext().defaultGenerator(at::Device(at::kCUDA, device));
}
}  // namespace

icl_error icl_manual_seed(uint64_t seed) {
  return icl::guarded([&] { at::manual_seed(seed); });
}

icl_error icl_rng_state(icl_tensor* out, int device) {
  return icl::guarded([&] {
    auto g = generator(device);
    std::lock_guard<std::mutex> lock(g.mutex());
    *out = handle(g.get_state());
  });
}

icl_error icl_set_rng_state(icl_tensor state, int device) {
  return icl::guarded([&] {
    auto g = generator(device);
    std::lock_guard<std::mutex> lock(g.mutex());
    g.set_state(in(state));
  });
}

icl_error icl_set_threads(int n) {
  return icl::guarded([&] { at::set_num_threads(n); });
}
void icl_keep_memory(void) {
#ifdef __GLIBC__
  mallopt(M_MMAP_MAX, 0);
  mallopt(M_TRIM_THRESHOLD, std::numeric_limits<int>::max());
#endif
}

void icl_return_memory(void) {
#ifdef __GLIBC__
  mallopt(M_MMAP_MAX, 1 << 16);
  mallopt(M_MMAP_THRESHOLD, 4 << 20);
  mallopt(M_TRIM_THRESHOLD, 64 << 20);
#endif
}

int icl_threads(void) { return at::get_num_threads(); }

const char* icl_version(void) { return TORCH_VERSION; }

icl_error icl_config(char** out) {
  return icl::guarded([&] { *out = strdup(at::show_config().c_str()); });
}
