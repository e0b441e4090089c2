// Convolutions.
#pragma once
#include "common.hpp"

namespace icl {

// at::conv2d without a fault of oneDNN. The weight gradient of a strided 1x1 convolution writes past its memory if
// there are fewer input channels than oneDNN's blocks have, 8 or 16
// (https://github.com/uxlfoundation/oneDNN/issues/6035): LibTorch 2.1 to 2.15 crash. A convolution of stride 1 over
// every stride-th pixel gives the same result.
inline at::Tensor convolution(const at::Tensor& x, const at::Tensor& w, const at::Tensor& b, int64_t stride,
                              int64_t pad) {
  const bool faulty =
      x.is_cpu() && stride > 1 && pad == 0 && x.dim() == 4 && x.size(1) < 16 && w.size(2) == 1 && w.size(3) == 1;
  if (!faulty) return at::conv2d(x, w, b, stride, pad);
  return at::conv2d(x.slice(2, 0, {}, stride).slice(3, 0, {}, stride), w, b);
}

}  // namespace icl
