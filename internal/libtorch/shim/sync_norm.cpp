// Batch norm whose statistics are those of the rows of all ranks.
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/custom_function.h>

#include "dual.hpp"
#include "group.hpp"

using icl::Group;
using icl::group;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

namespace {

struct Statistics {
  at::Tensor mean, var; // common
};

std::vector<int64_t> per_channel(const at::Tensor& x) {
  std::vector<int64_t> shape(x.dim(), 1);
  shape[1] = x.size(1);
  return shape;
}

// Each rank has as many rows as any other, so means of means are means.
Statistics statistics(const at::Tensor& x, Group& g) {
  std::vector<int64_t> dims;
  for (int64_t d = 0; d < x.dim(); d++)
    if (d != 1) dims.push_back(d);
  at::Tensor var, mean;
  std::tie(var, mean) = at::var_mean(x, dims, 0, false);
  auto all = icl::gather(at::stack({mean, var}).unsqueeze(0), g); // [ranks, 2, c]
  auto means = all.select(1, 0);
  Statistics s;
  s.mean = means.mean(0);
  auto apart = means - s.mean;
  s.var = all.select(1, 1).mean(0) + (apart * apart).mean(0);
  return s;
}

// Of operations with derivatives of every kind.
at::Tensor composed(const at::Tensor& x, const at::Tensor& w, const at::Tensor& b, const Statistics& s, double eps,
                    Group& g) {
  auto shared = icl::share({s.mean, (s.var + eps).rsqrt()}, g, false);
  auto scale = w.defined() ? shared[1] * w : shared[1];
  const auto shape = per_channel(x);
  auto y = (x - shared[0].view(shape)) * scale.view(shape);
  return b.defined() ? y + b.view(shape) : y;
}

// The first derivative written out: two passes over memory where the
// composition takes six. Its own derivative is that of the composition.
struct SyncNorm : torch::autograd::Function<SyncNorm> {
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& x, const at::Tensor& w, const at::Tensor& b,
                            const at::Tensor& mean, const at::Tensor& var, double eps, int64_t g) {
    ctx->save_for_backward({x, w, b, mean, var});
    ctx->saved_data["eps"] = eps;
    ctx->saved_data["group"] = g;
    return at::batch_norm(x, w, b, mean, var, false, 0, eps, false);
  }

  static variable_list backward(AutogradContext* ctx, variable_list grads) {
    auto saved = ctx->get_saved_variables();
    const auto &x = saved[0], &w = saved[1], &b = saved[2], &mean = saved[3], &var = saved[4];
    const double eps = ctx->saved_data["eps"].toDouble();
    auto& g = *reinterpret_cast<Group*>(ctx->saved_data["group"].toInt());
    const auto& dy = grads[0];
    if (at::GradMode::is_enabled()) {
      // By aliases: what x itself was made of is not to be gone through here.
      auto ax = x.view_as(x), aw = w.view_as(w), ab = b.view_as(b);
      auto y = composed(ax, aw, ab, statistics(ax, g), eps, g);
      auto d = torch::autograd::grad({y}, {ax, aw, ab}, {dy}, true, true, true);
      return {d[0], d[1], d[2], {}, {}, {}, {}};
    }
    // With the statistics held constant, then what their change adds.
    auto [dx, dw, db] =
        at::native_batch_norm_backward(dy, x, w, mean, var, {}, {}, false, eps, {true, true, true});
    auto sums = at::stack({db, dw});
    icl::sum_(sums, g);
    const double n = (double)(x.numel() / x.size(1)) * g.size;
    auto invstd = (var + eps).rsqrt();
    auto scale = invstd * w / n;
    auto slope = scale * invstd * sums[1];
    auto shift = scale * sums[0] - slope * mean;
    const auto shape = per_channel(x);
    dx.addcmul_(x, slope.view(shape), -1).sub_(shift.view(shape));
    return {dx, dw, db, {}, {}, {}, {}};
  }
};

}  // namespace

namespace icl {

at::Tensor sync_norm(const at::Tensor& x, const at::Tensor& w, const at::Tensor& b, const at::Tensor& mean,
                     const at::Tensor& var, const icl_bn_mode& m) {
  auto& g = group(m.group);
  const bool leading = m.rows > 0 && m.rows < x.size(0);
  TORCH_CHECK(m.rows <= x.size(0), "batch norm over the first ", m.rows, " rows of ", x.size(0));
  auto head = leading ? x.narrow(0, 0, m.rows) : x;
  const int64_t n = head.numel() / x.size(1) * g.size;
  TORCH_CHECK(n > 1, "batch norm needs more than one value per channel; got shape ", x.sizes(), " on ", g.size,
              " ranks");
  const bool dual = is_dual(x) || is_dual(w) || is_dual(b);
  const bool fast = !leading && !dual && !m.twice && w.defined() && b.defined();
  Statistics s;
  {
    at::AutoGradMode record(at::GradMode::is_enabled() && !fast);
    s = statistics(head, g);
  }
  if (m.update && mean.defined()) {
    at::NoGradGuard off;
    mean.lerp_(s.mean.detach(), m.momentum);
    var.lerp_(s.var.detach() * ((double)n / (double)(n - 1)), m.momentum);
  }
  if (!fast) return composed(x, w, b, s, m.eps, g);
  return SyncNorm::apply(x, w, b, s.mean, s.var, m.eps, reinterpret_cast<int64_t>(&g));
}

}  // namespace icl
