// Batch norm with the statistics of the rows of all ranks.
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/custom_function.h>

#include "dual.hpp"
#include "group.hpp"
#include "norm_kernels.hpp"

using icl::Group;
using icl::group;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;
namespace norm = icl::norm;

namespace {

struct Statistics {
  at::Tensor mean, var;  // common
};

std::vector<int64_t> per_channel(const at::Tensor& x) {
  std::vector<int64_t> shape(x.dim(), 1);
  shape[1] = x.size(1);
  return shape;
}

// The statistics of all ranks. All ranks have the same number of rows, so the mean of their means is the mean. local
// [1, 2, c] has this rank's means and variances.
Statistics merged(const at::Tensor& local, Group& g) {
  auto all = icl::gather(local, g);  // [ranks, 2, c]
  auto means = all.select(1, 0);
  Statistics s;
  s.mean = means.mean(0);
  auto apart = means - s.mean;
  s.var = all.select(1, 1).mean(0) + (apart * apart).mean(0);
  return s;
}

Statistics statistics(const at::Tensor& x, Group& g) {
  std::vector<int64_t> dims;
  for (int64_t d = 0; d < x.dim(); d++)
    if (d != 1) dims.push_back(d);
  at::Tensor var, mean;
  std::tie(var, mean) = at::var_mean(x, dims, 0, false);
  return merged(at::stack({mean, var}).unsqueeze(0), g);
}

// s as a tensor [2, c] of x's dtype.
at::Tensor pair(const at::Tensor& x, const norm::Sums& s) {
  const auto c = (int64_t)s.a.size();
  auto t = at::empty({2, c}, at::kDouble);
  std::copy(s.a.begin(), s.a.end(), t.data_ptr<double>());
  std::copy(s.b.begin(), s.b.end(), t.data_ptr<double>() + c);
  return t.to(x.scalar_type());
}

Statistics plain_statistics(const at::Tensor& x, Group& g) {
  at::NoGradGuard off;
  norm::Layout l;
  if (!norm::layout(x, &l)) return statistics(x, g);
  return merged(pair(x, norm::moments(x, l)).unsqueeze(0), g);
}

// Batch norm composed of operations that have derivatives of every kind.
at::Tensor composed(const at::Tensor& x, const at::Tensor& w, const at::Tensor& b, const Statistics& s, double eps,
                    Group& g) {
  auto shared = icl::share({s.mean, (s.var + eps).rsqrt()}, g, false);
  auto scale = w.defined() ? shared[1] * w : shared[1];
  const auto shape = per_channel(x);
  auto y = (x - shared[0].view(shape)) * scale.view(shape);
  return b.defined() ? y + b.view(shape) : y;
}

// relu(y + residual): what follows a batch norm in a residual unit, in place where that is possible.
at::Tensor added(const at::Tensor& y, const at::Tensor& residual, bool relu) {
  // A dual is not changed in place: the layout of its tangent may not allow it.
  const bool inplace = !icl::is_dual(y);
  auto z = y;
  if (residual.defined()) z = inplace ? z.add_(residual) : z + residual;
  if (relu) z = inplace ? z.relu_() : z.relu();
  return z;
}

// relu(norm(x) + residual) with a first derivative of few passes over memory (norm_kernels.hpp where it applies). The
// second derivative is that of `composed`. The statistics are given as values; the derivative still goes through them.
struct SyncNorm : torch::autograd::Function<SyncNorm> {
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& x, const at::Tensor& w, const at::Tensor& b,
                            const c10::optional<at::Tensor>& addend, const at::Tensor& mean, const at::Tensor& var,
                            double eps, bool relu, int64_t g) {
    const auto residual = addend.value_or(at::Tensor());
    norm::Layout l;
    const bool lean = norm::layout(x, &l);
    at::Tensor y;
    if (lean)
      y = norm::apply(x, l, {mean, (var + eps).rsqrt() * w, b}, residual.defined() ? norm::as(residual, l) : residual,
                      relu);
    else
      y = added(at::batch_norm(x, w, b, mean, var, false, 0, eps, false), residual, relu);
    // The backward pass can tell from x where the ReLU gave zero, unless there is a residual.
    const bool keep = relu && (residual.defined() || !lean);
    ctx->save_for_backward({x, w, b, mean, var, keep ? y : at::Tensor()});
    ctx->saved_data["eps"] = eps;
    ctx->saved_data["relu"] = relu;
    ctx->saved_data["residual"] = residual.defined();
    ctx->saved_data["group"] = g;
    return y;
  }

  static variable_list backward(AutogradContext* ctx, variable_list grads) {
    auto saved = ctx->get_saved_variables();
    const auto &x = saved[0], &w = saved[1], &b = saved[2], &mean = saved[3], &var = saved[4], &y = saved[5];
    const double eps = ctx->saved_data["eps"].toDouble();
    const bool relu = ctx->saved_data["relu"].toBool(), residual = ctx->saved_data["residual"].toBool();
    auto& g = *reinterpret_cast<Group*>(ctx->saved_data["group"].toInt());
    auto dz = grads[0];
    auto result = [&](const at::Tensor& dx, const at::Tensor& dw, const at::Tensor& db) {
      return variable_list{dx, dw, db, residual ? dz : at::Tensor(), {}, {}, {}, {}, {}};
    };
    if (at::GradMode::is_enabled()) {
      // Aliases stop the inner gradient at x, w and b.
      auto ax = x.view_as(x), aw = w.view_as(w), ab = b.view_as(b);
      auto z = composed(ax, aw, ab, statistics(ax, g), eps, g);
      if (relu) dz = dz.masked_fill((y.defined() ? y : z).detach() <= 0, 0);
      auto d = torch::autograd::grad({z}, {ax, aw, ab}, {dz}, true, true, true);
      return result(d[0], d[1], d[2]);
    }
    const double n = (double)(x.numel() / x.size(1)) * g.size;
    auto invstd = (var + eps).rsqrt();
    norm::Layout l;
    if (norm::layout(x, &l)) {
      const norm::Affine f{mean, invstd * w, b};
      dz = norm::as(dz, l);
      const auto kept = y.defined() ? at::empty_like(x) : at::Tensor();
      auto own = pair(x, norm::gradient_sums(dz, x, l, f, y, relu, kept));
      if (kept.defined()) dz = kept;
      auto all = own.clone();
      icl::sum_(all, g);
      auto shift = f.scale * all[0] / -n, slope = f.scale * invstd * invstd * all[1] / -n;
      return result(norm::gradient(dz, x, l, f, relu && !kept.defined(), slope, shift), own[1] * invstd, own[0]);
    }
    if (relu) dz = at::threshold_backward(dz, y, 0);
    // First the gradient with constant statistics, then the part through the statistics.
    auto [dx, dw, db] = at::native_batch_norm_backward(dz, x, w, mean, var, {}, {}, false, eps, {true, true, true});
    auto sums = at::stack({db, dw});
    icl::sum_(sums, g);
    auto scale = invstd * w / n;
    auto slope = scale * invstd * sums[1];
    auto shift = scale * sums[0] - slope * mean;
    const auto shape = per_channel(x);
    dx.addcmul_(x, slope.view(shape), -1).sub_(shift.view(shape));
    return result(dx, dw, db);
  }
};

}  // namespace

namespace icl {

at::Tensor sync_norm(const at::Tensor& x, const at::Tensor& w, const at::Tensor& b, const at::Tensor& mean,
                     const at::Tensor& var, const at::Tensor& residual, bool relu, const icl_bn_mode& m) {
  auto& g = group(m.group);
  const bool leading = m.rows > 0 && m.rows < x.size(0);
  TORCH_CHECK(m.rows <= x.size(0), "batch norm over the first ", m.rows, " rows of ", x.size(0));
  auto head = leading ? x.narrow(0, 0, m.rows) : x;
  const int64_t n = head.numel() / x.size(1) * g.size;
  TORCH_CHECK(n > 1, "batch norm needs more than one value per channel; got shape ", x.sizes(), " on ", g.size,
              " ranks");
  const bool dual = is_dual(x) || is_dual(w) || is_dual(b) || is_dual(residual);
  const bool fast = !leading && !dual && !m.twice && w.defined() && b.defined();
  const Statistics s = fast ? plain_statistics(x, g) : statistics(head, g);
  if (m.update && mean.defined()) {
    at::NoGradGuard off;
    mean.lerp_(s.mean.detach(), m.momentum);
    var.lerp_(s.var.detach() * ((double)n / (double)(n - 1)), m.momentum);
  }
  if (!fast) return added(composed(x, w, b, s, m.eps, g), residual, relu);
  const auto addend = residual.defined() ? c10::make_optional(residual) : c10::nullopt;
  return SyncNorm::apply(x, w, b, addend, s.mean, s.var, m.eps, relu, reinterpret_cast<int64_t>(&g));
}

}  // namespace icl
