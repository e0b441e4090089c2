// Helpers of the C interface: handles, lists, and the one place where C++ exceptions become messages.
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
extern std::atomic<int64_t> reads;  // how often the host waited for a value of a device

inline icl_tensor handle(at::Tensor t) {
  live.fetch_add(1, std::memory_order_relaxed);
  return new at::Tensor(std::move(t));
}

// A required operand.
inline const at::Tensor& in(icl_tensor t) {
  TORCH_CHECK(t != nullptr, "an operand is missing (an undefined tensor)");
  return *static_cast<at::Tensor*>(t);
}

// An operand that may be absent; the result is then an undefined tensor.
inline at::Tensor opt(icl_tensor t) { return t ? *static_cast<at::Tensor*>(t) : at::Tensor(); }

inline std::vector<at::Tensor> list(const icl_tensor* ts, int n) {
  std::vector<at::Tensor> out;
  out.reserve(n);
  for (int i = 0; i < n; i++) out.push_back(in(ts[i]));
  return out;
}

// A device is the index of a CUDA device or one of these codes.
constexpr int kHost = -1;
constexpr int kStandIn = -2;  // tests use it in place of a GPU (internal/standin)

inline at::Device device_of(int code) {
  if (code >= 0) return at::Device(at::DeviceType::CUDA, code);
  return code == kStandIn ? at::Device(at::DeviceType::PrivateUse1, 0) : at::Device(at::DeviceType::CPU);
}

inline int code_of(const at::Device& d) {
  if (d.is_cuda()) return d.index();
  return d.type() == at::DeviceType::PrivateUse1 ? kStandIn : kHost;
}

inline at::TensorOptions options(int kind, int device) {
  return at::TensorOptions().dtype(static_cast<at::ScalarType>(kind)).device(device_of(device));
}

inline at::IntArrayRef ints(const int64_t* xs, int n) { return at::IntArrayRef(xs, n); }

// The message of the exception being handled.
icl_error message();

// Runs f. Returns NULL, or the message of the exception that f threw.
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
