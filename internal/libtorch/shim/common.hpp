// Helpers of the C face: handles, lists, and one place where C++ exceptions
// become messages.
#pragma once
#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "ops.h"
#include "shim.h"

namespace icl {

extern std::atomic<int64_t> live;

inline icl_tensor handle(at::Tensor t) {
  live.fetch_add(1, std::memory_order_relaxed);
  return new at::Tensor(std::move(t));
}

// A required operand.
inline const at::Tensor& in(icl_tensor t) {
  TORCH_CHECK(t != nullptr, "an operand is missing (an undefined tensor)");
  return *static_cast<at::Tensor*>(t);
}

// An operand that may be absent: an undefined tensor then.
inline at::Tensor opt(icl_tensor t) { return t ? *static_cast<at::Tensor*>(t) : at::Tensor(); }

inline std::vector<at::Tensor> list(const icl_tensor* ts, int n) {
  std::vector<at::Tensor> out;
  out.reserve(n);
  for (int i = 0; i < n; i++) out.push_back(in(ts[i]));
  return out;
}

inline at::TensorOptions options(int kind, int device) {
  auto o = at::TensorOptions().dtype(static_cast<at::ScalarType>(kind));
  return device < 0 ? o.device(at::kCPU) : o.device(at::Device(at::kCUDA, device));
}

inline at::IntArrayRef ints(const int64_t* xs, int n) { return at::IntArrayRef(xs, n); }

// The message of the exception being handled.
icl_error message();

// Runs f; returns NULL, or the message of what it threw.
template <typename F>
icl_error guarded(F f) {
  try {
    f();
    return nullptr;
  } catch (...) {
    return message();
  }
}

}  // namespace icl
