// Differentiable operations, by the codes of ops.h.
#include <ATen/Context.h>
#include <ATen/WrapDimUtils.h>

#include "common.hpp"

using icl::handle;
using icl::in;
using icl::ints;

namespace {

at::Tensor unary(int op, const at::Tensor& x) {
  switch (op) {
    case ICL_NEG: return -x;
    case ICL_EXP: return x.exp();
    case ICL_LOG: return x.log();
    case ICL_SQRT: return x.sqrt();
    case ICL_SQUARE: return x * x;
    case ICL_ABS: return x.abs();
    case ICL_RELU: return x.relu();
    case ICL_SIGMOID: return x.sigmoid();
    case ICL_LOG_SIGMOID: return at::log_sigmoid(x);
    case ICL_TANH: return x.tanh();
    case ICL_T: return x.t();
    case ICL_DETACH: return x.detach();
    case ICL_CLONE: return x.clone();
    case ICL_CONTIGUOUS: return x.contiguous();
    case ICL_IS_FINITE: return at::isfinite(x).all();
    case ICL_ZEROS_LIKE: return at::zeros_like(x);
    case ICL_ONES_LIKE: return at::ones_like(x);
    case ICL_SUM_ALL: return x.sum();
    case ICL_MEAN_ALL: return x.mean();
    case ICL_FLOOR: return x.floor();
    case ICL_ROUND: return x.round();
    case ICL_CHANNELS_LAST: return x.contiguous(at::MemoryFormat::ChannelsLast);
  }
  TORCH_CHECK(false, "unknown unary operation ", op);
}

at::Tensor binary(int op, const at::Tensor& x, const at::Tensor& y) {
  switch (op) {
    case ICL_ADD: return x + y;
    case ICL_SUB: return x - y;
    case ICL_MUL: return x * y;
    case ICL_DIV: return x / y;
    case ICL_MATMUL: return x.matmul(y);
    case ICL_EQ: return x.eq(y);
    case ICL_GT: return x.gt(y);
  }
  TORCH_CHECK(false, "unknown binary operation ", op);
}

at::Tensor scalar(int op, const at::Tensor& x, double a, double b) {
  switch (op) {
    case ICL_ADD_S: return x + a;
    case ICL_MUL_S: return x * a;
    case ICL_POW_S: return x.pow(a);
    case ICL_CLAMP_MIN: return x.clamp_min(a);
    case ICL_CLAMP: return x.clamp(a, b);
  }
  TORCH_CHECK(false, "unknown scalar operation ", op);
}

at::Tensor reduce(int op, const at::Tensor& x, at::IntArrayRef dims, bool keep) {
  switch (op) {
    case ICL_SUM: return x.sum(dims, keep);
    case ICL_MEAN: return x.mean(dims, keep);
    case ICL_LOGSUMEXP: return x.logsumexp(dims, keep);
    case ICL_AMAX: return x.amax(dims, keep);
    case ICL_VAR: return at::var(x, dims, /*unbiased=*/false, keep);
    case ICL_NORM: return at::norm(x, 2, dims, keep);
    case ICL_ARGMAX: return x.argmax(dims[0], keep);
    case ICL_LOG_SOFTMAX: return x.log_softmax(dims[0]);
  }
  TORCH_CHECK(false, "unknown reduction ", op);
}

at::Tensor shape(int op, const at::Tensor& x, at::IntArrayRef xs) {
  switch (op) {
    case ICL_RESHAPE: return x.reshape(xs);
    case ICL_EXPAND: return x.expand(xs);
    case ICL_TRANSPOSE: return x.transpose(xs[0], xs[1]);
    case ICL_NARROW: return x.narrow(xs[0], xs[1], xs[2]);
    case ICL_UNSQUEEZE: return x.unsqueeze(xs[0]);
    case ICL_SELECT: return x.select(xs[0], xs[1]);
  }
  TORCH_CHECK(false, "unknown shape operation ", op);
}

// gather along a single dimension. On CUDA the derivative of gather adds to entries in no fixed order; LibTorch 2.1 has
// an ordered derivative for a single dimension only.
at::Tensor flat_gather(const at::Tensor& x, int64_t dim, const at::Tensor& index) {
  auto place = at::zeros_like(index, at::MemoryFormat::Contiguous);
  int64_t stride = 1;
  for (int64_t d = x.dim() - 1; d >= 0; stride *= x.size(d--)) {
    std::vector<int64_t> shape(x.dim(), 1);
    shape[d] = index.size(d);
    place.add_(d == dim ? index : at::arange(shape[d], index.options()).view(shape), stride);
  }
  return x.reshape(-1).gather(0, place.view(-1)).view(index.sizes());
}

at::Tensor picked(const at::Tensor& x, int64_t dim, const at::Tensor& index) {
  const bool ordered = at::globalContext().deterministicAlgorithms() && x.dim() > 1;
  return ordered && x.requires_grad() ? flat_gather(x, at::maybe_wrap_dim(dim, x.dim()), index) : x.gather(dim, index);
}

}  // namespace

icl_error icl_unary(icl_tensor* out, int op, icl_tensor a) {
  return icl::guarded([&] { *out = handle(unary(op, in(a))); });
}

icl_error icl_binary(icl_tensor* out, int op, icl_tensor a, icl_tensor b) {
  return icl::guarded([&] { *out = handle(binary(op, in(a), in(b))); });
}

icl_error icl_scalar(icl_tensor* out, int op, icl_tensor a, double x, double y) {
  return icl::guarded([&] { *out = handle(scalar(op, in(a), x, y)); });
}

icl_error icl_reduce(icl_tensor* out, int op, icl_tensor a, const int64_t* dims, int n, int keep) {
  return icl::guarded([&] { *out = handle(reduce(op, in(a), ints(dims, n), keep != 0)); });
}

icl_error icl_shape(icl_tensor* out, int op, icl_tensor a, const int64_t* xs, int n) {
  return icl::guarded([&] { *out = handle(shape(op, in(a), ints(xs, n))); });
}

icl_error icl_index(icl_tensor* out, int op, icl_tensor a, icl_tensor index, int64_t dim) {
  return icl::guarded([&] {
    const auto& x = in(a);
    const auto& i = in(index);
    *out = handle(op == ICL_GATHER ? picked(x, dim, i) : x.index_select(dim, i));
  });
}

icl_error icl_where(icl_tensor* out, icl_tensor mask, icl_tensor a, icl_tensor b) {
  return icl::guarded([&] { *out = handle(at::where(in(mask), in(a), in(b))); });
}

icl_error icl_index_copy(icl_tensor* out, icl_tensor a, int64_t dim, icl_tensor index, icl_tensor rows) {
  return icl::guarded([&] { *out = handle(in(a).index_copy(dim, in(index), in(rows))); });
}

icl_error icl_masked_fill(icl_tensor* out, icl_tensor a, icl_tensor mask, double value) {
  return icl::guarded([&] { *out = handle(in(a).masked_fill(in(mask), value)); });
}

icl_error icl_join(icl_tensor* out, const icl_tensor* ts, int n, int64_t dim, int stack) {
  return icl::guarded([&] {
    auto l = icl::list(ts, n);
    *out = handle(stack ? at::stack(l, dim) : at::cat(l, dim));
  });
}

icl_error icl_topk(icl_tensor* values, icl_tensor* indices, icl_tensor a, int64_t k, int64_t dim, int largest) {
  return icl::guarded([&] {
    auto r = in(a).topk(k, dim, largest != 0);
    *values = handle(std::get<0>(r));
    *indices = handle(std::get<1>(r));
  });
}
