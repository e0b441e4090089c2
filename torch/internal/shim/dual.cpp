// See dual.hpp.
#include "dual.hpp"

#include "convolution.hpp"

namespace icl {

namespace {

// a += b. An undefined tensor is zero. own: a may take over b's memory.
void accumulate(at::Tensor& a, const at::Tensor& b, bool own) {
  if (!b.defined()) return;
  if (a.defined())
    a.add_(b);
  else
    a = own ? b : b.clone();
}

}  // namespace

Dual split(const at::Tensor& t) {
  if (!t.defined()) return {};
  auto parts = at::_unpack_dual(t, 0);
  return {std::get<0>(parts), std::get<1>(parts)};
}

at::Tensor join(const Dual& d) { return d.tangent.defined() ? at::_make_dual(d.primal, d.tangent, 0) : d.primal; }

Dual conv2d(const Dual& x, const Dual& kernel, int64_t stride, int64_t pad) {
  auto conv = [&](const at::Tensor& x, const at::Tensor& k) { return convolution(x, k, {}, stride, pad); };
  Dual y{conv(x.primal, kernel.primal), {}};
  if (x.tangent.defined()) y.tangent = conv(x.tangent, kernel.primal);
  if (kernel.tangent.defined()) accumulate(y.tangent, conv(x.primal, kernel.tangent), true);
  return y;
}

Dual batch_norm(const Dual& x, const Dual& w, const Dual& b, double eps) {
  at::Tensor y, mean, invstd, dy;
  std::tie(y, mean, invstd) = at::native_batch_norm(x.primal, w.primal, b.primal, {}, {}, true, 0, eps);
  // The Jacobian by x is symmetric, so the backward function gives the forward derivative.
  if (x.tangent.defined())
    dy = std::get<0>(at::native_batch_norm_backward(x.tangent, x.primal, w.primal, {}, {}, mean, invstd, true, eps,
                                                    {true, false, false}));
  std::vector<int64_t> shape(x.primal.dim(), 1);
  shape[1] = x.primal.size(1);
  if (w.tangent.defined()) {
    auto scale = invstd * w.tangent;
    auto shift = -mean * scale;
    if (b.tangent.defined()) shift = shift + b.tangent;
    auto term = at::addcmul(shift.view(shape), x.primal, scale.view(shape));
    accumulate(dy, term, true);
  } else if (b.tangent.defined()) {
    dy = dy.defined() ? dy.add_(b.tangent.view(shape)) : b.tangent.view(shape).expand_as(y).clone();
  }
  return {y, dy};
}

void add_(Dual& y, const Dual& x) {
  y.primal.add_(x.primal);
  accumulate(y.tangent, x.tangent, false);
}

void relu_(Dual& y) {
  y.primal.relu_();
  if (y.tangent.defined()) at::threshold_backward_out(y.tangent, y.tangent, y.primal, 0);
}

}  // namespace icl
