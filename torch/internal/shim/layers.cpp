// Layers and fused blocks. One call runs many LibTorch operations, so a network's step costs few calls from Go.
#include <algorithm>

#include "common.hpp"
#include "convolution.hpp"
#include "dual.hpp"
#include "group.hpp"

using icl::Dual;
using icl::handle;
using icl::in;
using icl::opt;

namespace {

// Whether the forward-mode rule of dual.hpp applies to batch norm of x.
bool by_rule(std::initializer_list<at::Tensor> operands, const at::Tensor& x, const icl_bn_mode& m) {
  if (m.group || !m.batch || m.update || at::GradMode::is_enabled() || (m.rows > 0 && m.rows < x.size(0))) return false;
  return std::any_of(operands.begin(), operands.end(), icl::is_dual);
}

void check_batch(const at::Tensor& x) {
  TORCH_CHECK(x.numel() / x.size(1) > 1, "batch norm needs more than one value per channel; got shape ", x.sizes());
}

// Batch norm with the statistics of the first m.rows rows, through which it is differentiable.
at::Tensor leading_batch_norm(const at::Tensor& x, const at::Tensor& w, const at::Tensor& b, const at::Tensor& mean,
                              const at::Tensor& var, const icl_bn_mode& m) {
  TORCH_CHECK(m.rows <= x.size(0), "batch norm over the first ", m.rows, " rows of ", x.size(0));
  std::vector<int64_t> dims, shape(x.dim(), 1);
  for (int64_t d = 0; d < x.dim(); d++)
    if (d != 1) dims.push_back(d);
  shape[1] = x.size(1);
  auto head = x.narrow(0, 0, m.rows);
  auto mu = head.mean(dims);
  auto centred = head - mu.view(shape);
  auto sigma2 = (centred * centred).mean(dims);
  if (m.update && mean.defined()) {
    at::NoGradGuard off;
    const double n = head.numel() / x.size(1);
    mean.lerp_(mu.detach(), m.momentum);
    var.lerp_(sigma2.detach() * (n / std::max(1.0, n - 1)), m.momentum);
  }
  auto scale = (sigma2 + m.eps).rsqrt();
  if (w.defined()) scale = scale * w;
  auto y = (x - mu.view(shape)) * scale.view(shape);
  return b.defined() ? y + b.view(shape) : y;
}

void count_update(const at::Tensor& count, const icl_bn_mode& m) {
  if (!m.update || !count.defined()) return;
  at::NoGradGuard off;
  count.add_(1);
}

at::Tensor batch_norm(const at::Tensor& x, const at::Tensor& w, const at::Tensor& b, const at::Tensor& mean,
                      const at::Tensor& var, const at::Tensor& count, const icl_bn_mode& m) {
  count_update(count, m);
  if (!m.batch) return at::batch_norm(x, w, b, mean, var, false, m.momentum, m.eps, false);
  if (m.group) return icl::sync_norm(x, w, b, mean, var, {}, false, m);
  if (m.rows > 0 && m.rows < x.size(0)) return leading_batch_norm(x, w, b, mean, var, m);
  check_batch(x);
  if (by_rule({x, w, b}, x, m)) return icl::join(icl::batch_norm(icl::split(x), icl::split(w), icl::split(b), m.eps));
  if (m.update) return at::batch_norm(x, w, b, mean, var, true, m.momentum, m.eps, false);
  return at::batch_norm(x, w, b, {}, {}, true, m.momentum, m.eps, false);
}

}  // namespace

icl_error icl_linear(icl_tensor* out, icl_tensor x, icl_tensor w, icl_tensor b) {
  return icl::guarded([&] { *out = handle(at::linear(in(x), in(w), opt(b))); });
}

icl_error icl_conv2d(icl_tensor* out, icl_tensor x, icl_tensor w, icl_tensor b, int64_t stride, int64_t pad) {
  return icl::guarded([&] { *out = handle(icl::convolution(in(x), in(w), opt(b), stride, pad)); });
}

icl_error icl_max_pool2d(icl_tensor* out, icl_tensor x, int64_t k, int64_t stride, int64_t pad) {
  return icl::guarded([&] { *out = handle(at::max_pool2d(in(x), k, stride, pad)); });
}

icl_error icl_cross_entropy(icl_tensor* out, icl_tensor logits, icl_tensor target) {
  return icl::guarded([&] { *out = handle(at::cross_entropy_loss(in(logits), in(target))); });
}

icl_error icl_normalize(icl_tensor* out, icl_tensor x) {
  // z/|z| does not depend on the scale of z. So z is first divided by its largest entry, as a constant: no square
  // underflows or overflows, and the gradient stays exact.
  return icl::guarded([&] {
    const auto& z = in(x);
    at::Tensor scale;
    {
      at::NoGradGuard off;
      scale = z.detach().abs().amax(-1, true);
      scale = scale.masked_fill(scale == 0, 1.0);
    }
    auto u = z / scale;
    *out = handle(u / u.norm(2, {-1}, true).clamp_min(1e-12));
  });
}

icl_error icl_batch_norm(icl_tensor* out, icl_tensor x, icl_tensor w, icl_tensor b, icl_tensor mean, icl_tensor var,
                         icl_tensor count, icl_bn_mode m) {
  return icl::guarded([&] { *out = handle(batch_norm(in(x), opt(w), opt(b), opt(mean), opt(var), opt(count), m)); });
}

icl_error icl_conv_bn(icl_tensor* out, icl_tensor x, icl_tensor conv, icl_tensor w, icl_tensor b, icl_tensor mean,
                      icl_tensor var, icl_tensor count, icl_tensor residual, int64_t stride, int64_t pad, int relu,
                      icl_bn_mode m) {
  return icl::guarded([&] {
    if (by_rule({in(x), in(conv), opt(w), opt(b)}, in(x), m)) {
      Dual c = icl::conv2d(icl::split(in(x)), icl::split(in(conv)), stride, pad);
      check_batch(c.primal);
      Dual y = icl::batch_norm(c, icl::split(opt(w)), icl::split(opt(b)), m.eps);
      if (residual) icl::add_(y, icl::split(in(residual)));
      if (relu) icl::relu_(y);
      *out = handle(icl::join(y));
      return;
    }
    auto c = icl::convolution(in(x), in(conv), {}, stride, pad);
    if (m.batch && m.group) {
      count_update(opt(count), m);
      *out = handle(icl::sync_norm(c, opt(w), opt(b), opt(mean), opt(var), opt(residual), relu != 0, m));
      return;
    }
    auto y = batch_norm(c, opt(w), opt(b), opt(mean), opt(var), opt(count), m);
    // A dual is not changed in place: the layout of its tangent may not allow it.
    const bool inplace = !icl::is_dual(y);
    if (residual) y = inplace ? y.add_(in(residual)) : y + in(residual);
    if (relu) y = inplace ? y.relu_() : y.relu();
    *out = handle(y);
  });
}
