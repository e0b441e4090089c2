// Batch norm's passes over memory on CPUs, each one loop over float or double.
// LibTorch has no batch norm whose statistics come from elsewhere: put together
// of its operations it takes twice as many passes, and at::var_mean alone a tenth
// of a ResNet's step.
#pragma once
#include <ATen/ATen.h>

#include <vector>

namespace icl::norm {

// x as [outer, channels, inner] of contiguous memory: inner is 1 where channels
// lie innermost.
struct Layout {
  int64_t outer = 0, channels = 0, inner = 0;
  bool innermost = false; // of a four-dimensional x
};

// Whether x can be taken by these loops, and how.
bool layout(const at::Tensor& x, Layout* out);

// x in a layout that other tensors have; itself where it has it.
at::Tensor as(const at::Tensor& x, const Layout& l);

// Two numbers a channel.
struct Sums {
  std::vector<double> a, b;
};

// Mean and mean square distance from it of each channel. Sums are about a point
// near the mean, in x's type over few rows and then in double.
Sums moments(const at::Tensor& x, const Layout& l);

// What normalises a channel: (x - mean) * scale + bias.
struct Affine {
  at::Tensor mean, scale, bias;
};

// relu((x - mean) * scale + bias + residual); residual and relu may be absent.
at::Tensor apply(const at::Tensor& x, const Layout& l, const Affine& f, const at::Tensor& residual, bool relu);

// The sums of dz and of dz * (x - mean). dz is dy without relu; with it, dy where
// what the ReLU gave is above zero: what f makes of x, or, where keep is defined,
// y. dz is then written to keep.
Sums gradient_sums(const at::Tensor& dy, const at::Tensor& x, const Layout& l, const Affine& f, const at::Tensor& y,
                   bool relu, const at::Tensor& keep);

// dz * scale + (x - mean) * slope + shift, for dz as above without keep.
at::Tensor gradient(const at::Tensor& dy, const at::Tensor& x, const Layout& l, const Affine& f, bool relu,
                    const at::Tensor& slope, const at::Tensor& shift);

}  // namespace icl::norm
