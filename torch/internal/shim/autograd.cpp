// Derivatives: reverse mode, forward mode, and whether a graph is recorded.
#include <ATen/core/grad_mode.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/forward_grad.h>

#include "common.hpp"

using icl::handle;
using icl::in;
using icl::list;
using torch::autograd::variable_list;

icl_error icl_set_requires_grad(icl_tensor t, int on) {
  return icl::guarded([&] { in(t).requires_grad_(on != 0); });
}

icl_error icl_grad(icl_tensor* out, const icl_tensor* outputs, int n_out, const icl_tensor* inputs, int n_in,
                   const icl_tensor* grad_outputs, int retain, int create, int allow_unused) {
  return icl::guarded([&] {
    std::vector<at::Tensor> seeds;
    if (grad_outputs) seeds = list(grad_outputs, n_out);
    variable_list gs = torch::autograd::grad(list(outputs, n_out), list(inputs, n_in), seeds, retain != 0, create != 0,
                                             allow_unused != 0);
    for (int i = 0; i < n_in; i++) out[i] = gs[i].defined() ? handle(gs[i]) : nullptr;
  });
}

int icl_grad_enabled(void) { return at::GradMode::is_enabled(); }
void icl_set_grad_enabled(int on) { at::GradMode::set_enabled(on != 0); }

icl_error icl_enter_dual_level(uint64_t* level) {
  return icl::guarded([&] { *level = torch::autograd::ForwardADLevel::get_next_idx(); });
}

icl_error icl_exit_dual_level(uint64_t level) {
  return icl::guarded([&] { torch::autograd::ForwardADLevel::release_idx(level); });
}

icl_error icl_make_dual(icl_tensor* out, icl_tensor primal, icl_tensor tangent, uint64_t level) {
  return icl::guarded([&] { *out = handle(at::_make_dual(in(primal), in(tangent), (int64_t)level)); });
}

icl_error icl_unpack_dual(icl_tensor* primal, icl_tensor* tangent, icl_tensor dual, uint64_t level) {
  return icl::guarded([&] {
    auto r = at::_unpack_dual(in(dual), (int64_t)level);
    *primal = handle(std::get<0>(r));
    *tangent = std::get<1>(r).defined() ? handle(std::get<1>(r)) : nullptr;
  });
}
