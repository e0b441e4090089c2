// The passes over memory of batch norm on a CPU, each a loop over float or double. LibTorch has no batch norm with
// given statistics. Composed of its operations, batch norm takes twice as many passes, and at::var_mean alone takes a
// tenth of a ResNet's step.
#pragma once
#include <ATen/ATen.h>

#include <vector>

namespace icl::norm {

// x as contiguous memory [outer, channels, inner]. inner is 1 if channels lie innermost.
struct Layout {
  int64_t outer = 0, channels = 0, inner = 0;
  bool innermost = false;  // whether channels lie innermost in a four-dimensional x
};

// Whether these loops can read x; sets *out to x's layout.
bool layout(const at::Tensor& x, Layout* out);

// x in layout l: x itself if it has that layout, else a copy.
at::Tensor as(const at::Tensor& x, const Layout& l);

// Two numbers for each channel.
struct Sums {
  std::vector<double> a, b;
};

// Mean and biased variance of each channel. Entries are taken relative to a point near the mean; few rows are summed in
// x's type, then in double.
Sums moments(const at::Tensor& x, const Layout& l);

// Normalises a channel: (x - mean) * scale + bias.
struct Affine {
  at::Tensor mean, scale, bias;
};

// relu((x - mean) * scale + bias + residual). An undefined residual is zero; without relu the ReLU is left out.
at::Tensor apply(const at::Tensor& x, const Layout& l, const Affine& f, const at::Tensor& residual, bool relu);

// The sums of dz and of dz * (x - mean). Without relu dz is dy. With relu dz is dy where the result of the ReLU is
// above zero, else 0. That result is y if keep is defined, else it is computed from x by f. If keep is defined dz is
// written to it.
Sums gradient_sums(const at::Tensor& dy, const at::Tensor& x, const Layout& l, const Affine& f, const at::Tensor& y,
                   bool relu, const at::Tensor& keep);

// dz * scale + (x - mean) * slope + shift, with dz as above without keep.
at::Tensor gradient(const at::Tensor& dy, const at::Tensor& x, const Layout& l, const Affine& f, bool relu,
                    const at::Tensor& slope, const at::Tensor& shift);

}  // namespace icl::norm
