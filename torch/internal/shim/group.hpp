// Process groups and their collective operations.
#pragma once
#include <torch/csrc/distributed/c10d/Backend.hpp>

#include <mutex>

#include "common.hpp"

namespace icl {

// A sum that was begun.
struct Pending {
  c10::intrusive_ptr<c10d::Work> work;
  at::Tensor value;  // kept until the work is done
};

// A process group and what it has done so far.
struct Group {
  c10::intrusive_ptr<c10d::Backend> backend;
  int rank = 0, size = 1;
  std::atomic<int64_t> calls{0}, bytes{0};        // collectives begun, and the bytes that this rank gave them
  std::atomic<int64_t> busy_ns{0}, waited_ns{0};  // duration of all collectives, and how long callers waited for them
  std::mutex lock;  // of pending: autograd may begin a sum on one thread and wait for it on another
  std::vector<Pending> pending;
};

inline Group& group(icl_group g) {
  TORCH_CHECK(g != nullptr, "no process group");
  return *static_cast<Group*>(g);
}

// Collectives on values, without derivatives.
at::Tensor gathered(const at::Tensor& x, Group& g);  // from [n, ...] on each rank to [size*n, ...]
void sum_(at::Tensor& x, Group& g);                  // in place, x contiguous
// Begins a sum and returns at once. x holds the sum once wait_pending has returned.
void begin_sum_(at::Tensor& x, Group& g);
// Waits for all sums of the group that were begun.
void wait_pending(Group& g);

// Collectives with derivatives of every kind (see collectives.cpp).
at::Tensor gather(const at::Tensor& x, Group& g);
at::Tensor total(const at::Tensor& x, Group& g);
std::vector<at::Tensor> share(const std::vector<at::Tensor>& xs, Group& g, bool overlap);

// relu(norm(x) + residual) with batch norm over the rows of all ranks. An undefined residual is zero; without relu the
// ReLU is left out (see sync_norm.cpp).
at::Tensor sync_norm(const at::Tensor& x, const at::Tensor& w, const at::Tensor& b, const at::Tensor& mean,
                     const at::Tensor& var, const at::Tensor& residual, bool relu, const icl_bn_mode& m);

}  // namespace icl
