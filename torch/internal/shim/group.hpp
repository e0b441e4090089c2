// Process groups: what the collective operations need of them.
#pragma once
#include <torch/csrc/distributed/c10d/Backend.hpp>

#include "common.hpp"

namespace icl {

// A process group and what it has done so far.
struct Group {
  c10::intrusive_ptr<c10d::Backend> backend;
  int rank = 0, size = 1;
  std::atomic<int64_t> calls{0}, bytes{0};       // collectives begun, and what this rank put into them
  std::atomic<int64_t> busy_ns{0}, waited_ns{0}; // from begin to end of collectives; of it, this thread waiting
};

inline Group& group(icl_group g) {
  TORCH_CHECK(g != nullptr, "no process group");
  return *static_cast<Group*>(g);
}

// The collectives on plain values, without derivatives.
at::Tensor gathered(const at::Tensor& x, Group& g);  // [n, ...] of each rank: [size*n, ...]
void sum_(at::Tensor& x, Group& g);                  // in place, x contiguous
// begins to sum, and returns at once: done when wait_pending returns.
void begin_sum_(at::Tensor& x, Group& g);
// waits for every sum that was begun, or after an error forgets them.
void wait_pending();
void drop_pending();

// The same with derivatives of every kind (see collectives.cpp).
at::Tensor gather(const at::Tensor& x, Group& g);
at::Tensor total(const at::Tensor& x, Group& g);
std::vector<at::Tensor> share(const std::vector<at::Tensor>& xs, Group& g, bool overlap);

// relu(norm(x) + residual) with batch norm over the rows of all ranks; residual
// and relu may be absent (see sync_norm.cpp).
at::Tensor sync_norm(const at::Tensor& x, const at::Tensor& w, const at::Tensor& b, const at::Tensor& mean,
                     const at::Tensor& var, const at::Tensor& residual, bool relu, const icl_bn_mode& m);

}  // namespace icl
