// Numbers of a device that the host reads later. The device's queue of work does not run empty while the host waits.
#include <c10/core/Event.h>
#include <c10/core/impl/VirtualGuardImpl.h>

#include <chrono>
#include <memory>
#include <thread>

#include "common.hpp"

using icl::handle;
using icl::in;

namespace {

struct Late {
  at::Tensor host;
  std::unique_ptr<c10::Event> copied;  // nullptr on the CPU
};

}  // namespace

icl_error icl_figures(icl_tensor* out, const icl_tensor* ts, int n) {
  return icl::guarded([&] {
    at::NoGradGuard off;
    auto o = at::TensorOptions().dtype(at::kDouble);
    for (int i = 0; i < n; i++)
      if (ts[i]) o = o.device(in(ts[i]).device());
    std::vector<at::Tensor> parts;
    for (int i = 0; i < n; i++)
      parts.push_back(ts[i] ? in(ts[i]).detach().to(at::kDouble).reshape({-1}) : at::zeros({1}, o));
    *out = handle(at::cat(parts));
  });
}

icl_error icl_late_read(icl_late* out, icl_tensor t) {
  return icl::guarded([&] {
    auto x = in(t).detach().to(at::kDouble).contiguous();
    auto late = std::make_unique<Late>();
    if (x.is_cpu()) {
      late->host = x.clone();
    } else {
      // The stream keeps the order: x's memory is reused only after the copy.
      late->host = at::empty(x.sizes(), at::TensorOptions().dtype(at::kDouble).pinned_memory(x.is_cuda()));
      late->host.copy_(x, /*non_blocking=*/true);
      c10::impl::VirtualGuardImpl guard(x.device().type());
      late->copied = std::make_unique<c10::Event>(x.device().type());
      late->copied->record(guard.getStream(x.device()));
    }
    *out = late.release();
  });
}

icl_error icl_late_take(double* out, int64_t n, icl_late l) {
  return icl::guarded([&] {
    auto& late = *static_cast<Late*>(l);
    TORCH_CHECK(late.host.numel() == n, "there are ", late.host.numel(), " numbers, not ", n);
    // The host cannot wait for an event of LibTorch 2.1.
    while (late.copied && !late.copied->query()) std::this_thread::sleep_for(std::chrono::microseconds(20));
    late.copied.reset();
    std::memcpy(out, late.host.data_ptr<double>(), n * sizeof(double));
  });
}

void icl_late_free(icl_late l) { delete static_cast<Late*>(l); }
