// Handles, creation, description and contents of tensors.
#include "common.hpp"

namespace {

constexpr size_t kPinned = size_t(1) << 28;  // a larger copy would keep as much of the host's memory locked

// t with other options. A tensor of the CPU goes to a GPU through pinned memory, behind the work queued there. The host
// does not wait, and t may be freed at once.
at::Tensor moved(const at::Tensor& t, const at::TensorOptions& o) {
  if (!t.is_cpu() || !o.device().is_cuda() || t.requires_grad() || t.nbytes() > kPinned) return t.to(o);
  return t.to(o.dtype()).pin_memory().to(o.device(), /*non_blocking=*/true, /*copy=*/true);
}

}  // namespace

namespace icl {

std::atomic<int64_t> live{0};
std::atomic<int64_t> reads{0};

icl_error message() {
  std::string text;
  const char* full = std::getenv("TORCH_SHOW_CPP_STACKTRACES");
  const bool backtrace = full && std::strcmp(full, "1") == 0;
  try {
    throw;
  } catch (const c10::Error& e) {
    text = backtrace ? e.what() : e.what_without_backtrace();
  } catch (const std::exception& e) {
    text = e.what();
  } catch (...) {
    text = "unknown C++ exception";
  }
  if (!backtrace) {
    // Only the first line that is not empty is kept.
    auto from = text.find_first_not_of("\n ");
    if (from == std::string::npos) from = 0;
    text = text.substr(from, text.find('\n', from) - from);
  }
  return strdup(text.c_str());
}

}  // namespace icl

using icl::handle;
using icl::in;
using icl::ints;
using icl::options;

int64_t icl_live(void) { return icl::live.load(); }
int64_t icl_reads(void) { return icl::reads.load(); }
void icl_disown(void) { icl::live.fetch_sub(1, std::memory_order_relaxed); }

void icl_free(icl_tensor* ts, int n) {
  // In reverse order, so that a graph is released from its end: each node after its users.
  for (int i = n - 1; i >= 0; i--) {
    if (!ts[i]) continue;
    delete static_cast<at::Tensor*>(ts[i]);
    icl::live.fetch_sub(1, std::memory_order_relaxed);
  }
}

icl_error icl_alias(icl_tensor* out, icl_tensor t) {
  return icl::guarded([&] { *out = handle(in(t)); });
}

icl_error icl_from_data(icl_tensor* out, const void* data, const int64_t* shape, int dim, int kind, int device) {
  return icl::guarded([&] {
    auto t = at::from_blob(const_cast<void*>(data), ints(shape, dim), options(kind, icl::kHost));
    *out = handle(device == icl::kHost ? t.clone() : moved(t, options(kind, device)));
  });
}

icl_error icl_full(icl_tensor* out, const int64_t* shape, int dim, double value, int kind, int device) {
  return icl::guarded([&] { *out = handle(at::full(ints(shape, dim), value, options(kind, device))); });
}

icl_error icl_arange(icl_tensor* out, int64_t from, int64_t to, int device) {
  return icl::guarded([&] { *out = handle(at::arange(from, to, options((int)at::kLong, device))); });
}

icl_error icl_random(icl_tensor* out, const int64_t* shape, int dim, int normal, double a, double b, int kind,
                     int device) {
  // Drawn on the CPU for every device, so that a seed gives the same numbers everywhere.
  return icl::guarded([&] {
    auto t = at::empty(ints(shape, dim), options(kind, icl::kHost));
    if (normal)
      t.normal_(a, b);
    else
      t.uniform_(a, b);
    *out = handle(moved(t, options(kind, device)));
  });
}

icl_error icl_describe(icl_tensor t, int64_t* shape, int max_dim, int* dim, int* kind, int* device,
                       int* requires_grad) {
  return icl::guarded([&] {
    const auto& x = in(t);
    TORCH_CHECK(x.defined(), "undefined tensor");
    *dim = x.dim();
    TORCH_CHECK(*dim <= max_dim, "a tensor of ", x.dim(), " dimensions; at most ", max_dim, " are supported");
    for (int i = 0; i < *dim; i++) shape[i] = x.size(i);
    *kind = (int)x.scalar_type();
    *device = icl::code_of(x.device());
    *requires_grad = x.requires_grad();
  });
}

icl_error icl_copy_out(icl_tensor t, void* dst, int64_t bytes) {
  return icl::guarded([&] {
    icl::reads += !in(t).is_cpu();
    auto x = in(t).detach().to(at::kCPU).contiguous();
    TORCH_CHECK((int64_t)x.nbytes() == bytes, "tensor has ", x.nbytes(), " bytes, the destination ", bytes);
    std::memcpy(dst, x.data_ptr(), bytes);
  });
}

icl_error icl_copy_(icl_tensor dst, icl_tensor src) {
  return icl::guarded([&] {
    at::NoGradGuard off;
    const auto& d = in(dst);
    const auto& s = in(src);
    TORCH_CHECK(d.sizes() == s.sizes(), "copy of shape ", s.sizes(), " into shape ", d.sizes());
    d.copy_(s);
  });
}

icl_error icl_item(double* out, icl_tensor t) {
  return icl::guarded([&] {
    icl::reads += !in(t).is_cpu();
    *out = in(t).item().toDouble();
  });
}

icl_error icl_to(icl_tensor* out, icl_tensor t, int kind, int device) {
  return icl::guarded([&] { *out = handle(moved(in(t), options(kind, device))); });
}
