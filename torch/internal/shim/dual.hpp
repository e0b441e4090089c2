// Forward-mode rules of the layers. LibTorch composes the rule of batch norm from a dozen elementwise passes, which
// cost more than the convolution; here it is written out.
#pragma once
#include "common.hpp"

namespace icl {

// A primal and its tangent. An undefined tangent is zero.
struct Dual {
  at::Tensor primal, tangent;
};

// Levels do not nest in LibTorch 2.1, so there is only level 0.
inline bool is_dual(const at::Tensor& t) { return t.defined() && t._fw_grad(0).defined(); }
Dual split(const at::Tensor& t);
at::Tensor join(const Dual& d);

// A convolution without bias.
Dual conv2d(const Dual& x, const Dual& kernel, int64_t stride, int64_t pad);

// Batch norm with the statistics of the batch. Running statistics do not change.
Dual batch_norm(const Dual& x, const Dual& w, const Dual& b, double eps);

// Both work in place on both parts. The caller must own their memory.
void add_(Dual& y, const Dual& x);
void relu_(Dual& y);

}  // namespace icl
