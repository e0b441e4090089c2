// Loops on LibTorch's threads.
#pragma once
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <ATen/TensorIterator.h>

namespace icl {

// Runs f(0) to f(n-1) in parallel. This program is compiled without OpenMP, because a second copy of it would start a
// second team of threads. at::parallel_for, a template, would therefore be serial here. LibTorch's iteration over the
// tensor 0 to n-1 is parallel.
template <typename F>
void parallel(int64_t n, const F& f) {
  if (n < 2 || at::get_num_threads() < 2 || at::in_parallel_region()) {
    for (int64_t i = 0; i < n; i++) f(i);
    return;
  }
  auto numbers = at::arange(n, at::kLong);
  auto each = [&](char** data, const int64_t* strides, int64_t count) {
    for (int64_t k = 0; k < count; k++) f(*reinterpret_cast<const int64_t*>(data[0] + k * strides[0]));
  };
  at::TensorIterator::nullary_op(numbers).for_each(each, 1);
}

}  // namespace icl
