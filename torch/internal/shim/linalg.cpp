// Decompositions.
#include <cmath>

#include "common.hpp"

using icl::handle;
using icl::in;

icl_error icl_eigh(icl_tensor* values, icl_tensor* vectors, icl_tensor a) {
  return icl::guarded([&] {
    auto r = at::linalg_eigh(in(a));
    *values = handle(std::get<0>(r));
    *vectors = handle(std::get<1>(r));
  });
}

icl_error icl_cholesky(icl_tensor* factor, int* ok, icl_tensor a) {
  return icl::guarded([&] {
    auto r = at::linalg_cholesky_ex(in(a));
    auto& l = std::get<0>(r);
    auto good = std::get<1>(r).eq(0).all();
    *ok = in(a).is_cpu() ? good.item<bool>() : 1;
    // On a device, the host would have to wait to know.
    *factor = handle(in(a).is_cpu() ? l : l.masked_fill(good.logical_not(), std::nan("")));
  });
}

icl_error icl_solve_triangular(icl_tensor* out, icl_tensor a, icl_tensor b, int upper) {
  return icl::guarded([&] { *out = handle(at::linalg_solve_triangular(in(a), in(b), upper != 0)); });
}
