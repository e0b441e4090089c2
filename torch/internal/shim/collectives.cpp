// Collectives with derivatives. A value is either common (the same on all ranks) or divided (each rank has its own
// rows). A gradient or a tangent is of its value's kind. Four linear maps go between the two kinds:
//
//   map                                            its derivative in reverse mode
//   gather  divided -> common: all rows            own
//   own     common -> divided: this rank's rows    gather
//   total   divided -> common: sum over ranks      share
//   share   common -> divided: the value itself    total
//
// The derivative of each map is one of the four, so gradients of gradients and tangents are exact. No factor of the
// number of ranks appears: a loss is common, every rank computes the same one, and it counts once.
#include <torch/csrc/autograd/custom_function.h>
#include <torch/csrc/autograd/engine.h>
#include <torch/csrc/autograd/functions/utils.h>

#include <algorithm>

#include "compat.hpp"
#include "dual.hpp"
#include "group.hpp"

using icl::Dual;
using icl::Group;
using icl::group;
using icl::handle;
using icl::in;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

namespace icl {

namespace {

constexpr int64_t kFirstBucket = 1 << 20;  // bytes

bool recorded(const at::Tensor& x) { return at::GradMode::is_enabled() && x.requires_grad(); }

at::Tensor own_rows(const at::Tensor& x, Group& g);

int64_t address(Group& g) { return reinterpret_cast<int64_t>(&g); }
Group& keeper(AutogradContext* ctx) { return *reinterpret_cast<Group*>(ctx->saved_data["group"].toInt()); }

// Applies a linear F to both parts of a dual.
template <typename F>
at::Tensor on_parts(const at::Tensor& x, F f) {
  TORCH_CHECK(!at::GradMode::is_enabled(), "forward mode within reverse mode is not supported across ranks");
  Dual d = split(x);
  Dual y{f(d.primal), {}};
  if (d.tangent.defined()) y.tangent = f(d.tangent);
  return join(y);
}

struct Gather : torch::autograd::Function<Gather> {
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& x, int64_t g) {
    ctx->saved_data["group"] = g;
    return gathered(x, *reinterpret_cast<Group*>(g));
  }
  static variable_list backward(AutogradContext* ctx, variable_list grads) {
    return {own_rows(grads[0], keeper(ctx)), {}};
  }
};

struct OwnRows : torch::autograd::Function<OwnRows> {
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& x, int64_t g) {
    ctx->saved_data["group"] = g;
    auto& k = *reinterpret_cast<Group*>(g);
    const auto n = x.size(0) / k.size;
    return x.narrow(0, k.rank * n, n).clone();
  }
  static variable_list backward(AutogradContext* ctx, variable_list grads) {
    return {gather(grads[0], keeper(ctx)), {}};
  }
};

at::Tensor own_rows(const at::Tensor& x, Group& g) {
  TORCH_CHECK(x.size(0) % g.size == 0, x.size(0), " rows on ", g.size, " ranks");
  if (recorded(x)) return OwnRows::apply(x, address(g));
  const auto n = x.size(0) / g.size;
  return x.narrow(0, g.rank * n, n);
}

struct Total : torch::autograd::Function<Total> {
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& x, int64_t g) {
    ctx->saved_data["group"] = g;
    auto y = x.detach().clone(at::MemoryFormat::Contiguous);
    sum_(y, *reinterpret_cast<Group*>(g));
    return y;
  }
  static variable_list backward(AutogradContext* ctx, variable_list grads) {
    return {share({grads[0]}, keeper(ctx), false)[0], {}};
  }
};

// Share is one node of the graph for several values. The engine runs it as soon as it has the gradients of all of them,
// so the gradients of later layers are summed while those of earlier layers are computed.
struct Share : torch::autograd::Node {
  Share(torch::autograd::edge_list&& edges, Group& g, bool overlap)
      : Node(UINT64_MAX - 1, std::move(edges)), g(g), overlap(overlap) {}

  std::string name() const override { return "Share"; }

  variable_list apply(variable_list&& grads) override {
    variable_list out(grads.size()), flat;
    int64_t count = 0;
    at::TensorOptions o;
    for (auto& x : grads) {
      if (!x.defined()) continue;
      count += x.numel();
      o = x.options();
    }
    if (count == 0) return out;
    const bool recording = at::GradMode::is_enabled();
    if (recording)
      for (auto& x : grads)
        if (x.defined()) flat.push_back(x.reshape(-1));
    auto all = recording ? total(at::cat(flat), g) : at::empty({count}, o);
    int64_t from = 0;
    for (size_t i = 0; i < grads.size(); i++) {
      if (!grads[i].defined()) continue;
      out[i] = all.narrow(0, from, grads[i].numel()).view(grads[i].sizes());
      if (!recording) out[i].copy_(grads[i]);  // of any strides, in one pass
      from += grads[i].numel();
    }
    if (recording) return out;
    if (!overlap) {
      sum_(all, g);
      return out;
    }
    begin_sum_(all, g);
    // The engine calls this at the end of the backward pass, before it returns the gradients.
    torch::autograd::Engine::get_default_engine().queue_callback([&g = g] { wait_pending(g); });
    return out;
  }

  Group& g;
  const bool overlap;
};

}  // namespace

at::Tensor gather(const at::Tensor& x, Group& g) {
  if (recorded(x)) return Gather::apply(x, address(g));
  if (is_dual(x)) return on_parts(x, [&](const at::Tensor& t) { return gathered(t, g); });
  return gathered(x, g);
}

at::Tensor total(const at::Tensor& x, Group& g) {
  if (recorded(x)) return Total::apply(x, address(g));
  auto sum = [&](const at::Tensor& t) {
    auto y = t.detach().clone(at::MemoryFormat::Contiguous);
    sum_(y, g);
    return y;
  };
  return is_dual(x) ? on_parts(x, sum) : sum(x);
}

std::vector<at::Tensor> share(const std::vector<at::Tensor>& xs, Group& g, bool overlap) {
  auto out = xs;
  variable_list recording;
  for (auto& x : xs)
    if (recorded(x)) recording.push_back(x);
  if (recording.empty()) return out;
  auto node = icl_compat::make_node<Share>(torch::autograd::collect_next_edges(recording), g, overlap);
  for (auto& x : out) {
    if (!recorded(x)) continue;
    x = x.detach();
    torch::autograd::set_history(x, node);
  }
  return out;
}

}  // namespace icl

icl_error icl_gather(icl_tensor* out, icl_tensor x, icl_group g) {
  return icl::guarded([&] { *out = handle(icl::gather(in(x), group(g))); });
}

icl_error icl_total(icl_tensor* out, icl_tensor x, icl_group g) {
  return icl::guarded([&] { *out = handle(icl::total(in(x), group(g))); });
}

icl_error icl_share(icl_tensor* out, const icl_tensor* xs, int n, int64_t bucket, int overlap, icl_group g) {
  using icl::kFirstBucket;
  return icl::guarded([&] {
    auto all = icl::list(xs, n);
    // The gradients of the first layers come last, when no computation is left that could hide their sum. Their bucket
    // is small; each further bucket is twice as large.
    int64_t most = overlap ? std::min(bucket, kFirstBucket) : bucket;
    for (int from = 0, to = 0; from < n; from = to, most = std::min(bucket, 2 * most)) {
      int64_t bytes = all[to++].nbytes();
      while (to < n && all[to].dtype() == all[from].dtype() && bytes + (int64_t)all[to].nbytes() <= most)
        bytes += all[to++].nbytes();
      auto shared = icl::share({all.begin() + from, all.begin() + to}, group(g), overlap != 0);
      std::copy(shared.begin(), shared.end(), all.begin() + from);
    }
    for (int i = 0; i < n; i++) out[i] = handle(all[i]);
  });
}
