// One call for a whole list of tensors: fast weights, dot products, moving averages and optimizer updates.
#include <algorithm>
#include <cmath>

#include "common.hpp"
#include "parallel.hpp"

using icl::handle;
using icl::in;

namespace {

constexpr int64_t kGrain = 16384;

void same(const at::Tensor& p, const at::Tensor& g) {
  TORCH_CHECK(p.sizes() == g.sizes(), "parameter of shape ", p.sizes(), " with gradient of shape ", g.sizes());
}

// Whether the memory of each tensor is one dense array of type dtype on the CPU.
template <typename... T>
bool flat(at::ScalarType dtype, const T&... ts) {
  return ((ts.is_cpu() && ts.scalar_type() == dtype && ts.is_non_overlapping_and_dense()) && ...);
}

// Adam as torch.optim.Adam computes it, in one pass over memory.
template <typename F>
void adam_flat(const at::Tensor& p, const at::Tensor& g, const at::Tensor& m, const at::Tensor& v, double lr, double b1,
               double b2, double eps, double decay, double c1, double c2) {
  F *pp = p.data_ptr<F>(), *mp = m.data_ptr<F>(), *vp = v.data_ptr<F>();
  const F* gp = g.data_ptr<F>();
  const F step = lr / c1, root = std::sqrt(c2), fb1 = b1, fb2 = b2, one1 = 1 - b1, one2 = 1 - b2, fe = eps, fd = decay;
  const int64_t n = p.numel();
  icl::parallel((n + kGrain - 1) / kGrain, [&](int64_t piece) {
    const int64_t to = std::min(n, (piece + 1) * kGrain);
    for (int64_t i = piece * kGrain; i < to; i++) {
      const F gi = gp[i] + fd * pp[i];
      mp[i] = fb1 * mp[i] + one1 * gi;
      vp[i] = fb2 * vp[i] + one2 * gi * gi;
      pp[i] -= step * mp[i] / (std::sqrt(vp[i]) / root + fe);
    }
  });
}

}  // namespace

icl_error icl_list_axpy(icl_tensor* out, const icl_tensor* x, const icl_tensor* y, double a, int n) {
  return icl::guarded([&] {
    for (int i = 0; i < n; i++) out[i] = y[i] ? handle(at::add(in(x[i]), in(y[i]), a)) : handle(in(x[i]));
  });
}

icl_error icl_list_dot(icl_tensor* out, const icl_tensor* x, const icl_tensor* y, int n) {
  return icl::guarded([&] {
    at::NoGradGuard off;
    std::vector<at::Tensor> terms;
    for (int i = 0; i < n; i++)
      if (x[i] && y[i]) terms.push_back((in(x[i]).detach().to(at::kDouble) * in(y[i]).detach().to(at::kDouble)).sum());
    if (terms.empty() || terms[0].is_cpu()) {
      double total = 0;  // summed in this order
      for (auto& t : terms) total += t.item().toDouble();
      *out = handle(at::scalar_tensor(total, at::kDouble));
    } else {
      *out = handle(at::stack(terms).sum());
    }
  });
}

icl_error icl_list_axpy_by(icl_tensor* out, const icl_tensor* x, const icl_tensor* y, icl_tensor a, int n) {
  return icl::guarded([&] {
    for (int i = 0; i < n; i++) {
      if (!y[i])
        out[i] = handle(in(x[i]));
      else if (in(a).is_cpu())
        out[i] = handle(at::add(in(x[i]), in(y[i]), in(a).item()));
      else
        out[i] = handle(at::add(in(x[i]), in(y[i]) * in(a).to(in(y[i]).scalar_type())));
    }
  });
}

icl_error icl_scaled(icl_tensor* out, icl_tensor x, icl_tensor a) {
  return icl::guarded([&] {
    const auto &value = in(x), &factor = in(a);
    *out = handle(factor.is_cpu() ? value * factor.item() : value * factor.to(value.scalar_type()));
  });
}

icl_error icl_list_lerp_(const icl_tensor* x, const icl_tensor* y, double weight, int n) {
  return icl::guarded([&] {
    at::NoGradGuard off;
    for (int i = 0; i < n; i++) in(x[i]).lerp_(in(y[i]), weight);
  });
}

icl_error icl_list_add_(const icl_tensor* x, const icl_tensor* y, int n) {
  return icl::guarded([&] {
    at::NoGradGuard off;
    for (int i = 0; i < n; i++)
      if (y[i]) in(x[i]).add_(in(y[i]));
  });
}

icl_error icl_adam_(const icl_tensor* ps, const icl_tensor* gs, const icl_tensor* ms, const icl_tensor* vs, int n,
                    int64_t step, double lr, double b1, double b2, double eps, double decay) {
  return icl::guarded([&] {
    at::NoGradGuard off;
    const double c1 = 1 - std::pow(b1, step);
    const double c2 = 1 - std::pow(b2, step);
    for (int i = 0; i < n; i++) {
      const auto& p = in(ps[i]);
      const auto& m = in(ms[i]);
      const auto& v = in(vs[i]);
      if (!gs[i]) continue;
      auto g = in(gs[i]);
      same(p, g);
      if (g.strides() != p.strides()) g = at::empty_like(p).copy_(g);
      const bool aligned = m.strides() == p.strides() && v.strides() == p.strides();
      if (aligned && flat(at::kFloat, p, g, m, v)) {
        adam_flat<float>(p, g, m, v, lr, b1, b2, eps, decay, c1, c2);
      } else if (aligned && flat(at::kDouble, p, g, m, v)) {
        adam_flat<double>(p, g, m, v, lr, b1, b2, eps, decay, c1, c2);
      } else {
        if (decay != 0) g = g.add(p, decay);
        m.lerp_(g, 1 - b1);
        v.mul_(b2).addcmul_(g, g, 1 - b2);
        p.addcdiv_(m, (v.sqrt() / std::sqrt(c2)).add_(eps), -lr / c1);
      }
    }
  });
}

icl_error icl_sgd_(const icl_tensor* ps, const icl_tensor* gs, const icl_tensor* ms, int n, int first, double lr,
                   double momentum, int nesterov, const double* decay) {
  return icl::guarded([&] {
    at::NoGradGuard off;
    for (int i = 0; i < n; i++) {
      if (!gs[i]) continue;
      const auto& p = in(ps[i]);
      auto g = in(gs[i]);
      same(p, g);
      if (decay[i] != 0) g = g.add(p, decay[i]);
      if (momentum != 0) {
        const auto& m = in(ms[i]);
        if (first)
          m.copy_(g);
        else
          m.mul_(momentum).add_(g);
        g = nesterov ? g.add(m, momentum) : m;
      }
      p.add_(g, -lr);
    }
  });
}

icl_error icl_lars_(const icl_tensor* ps, const icl_tensor* gs, const icl_tensor* ms, int n, double lr, double momentum,
                    double trust, const double* decay, const uint8_t* adapt) {
  return icl::guarded([&] {
    at::NoGradGuard off;
    for (int i = 0; i < n; i++) {
      if (!gs[i]) continue;
      const auto& p = in(ps[i]);
      const auto& m = in(ms[i]);
      auto g = in(gs[i]);
      same(p, g);
      if (decay[i] != 0) g = g.add(p, decay[i]);
      if (adapt[i]) {
        auto pn = p.norm();
        auto gn = g.norm();
        // If either norm is zero the rate is not adapted.
        auto q = at::where((pn > 0) & (gn > 0), trust * pn / gn, at::ones_like(pn));
        g = g * q;
      }
      m.mul_(momentum).add_(g);
      p.add_(m, -lr);
    }
  });
}
