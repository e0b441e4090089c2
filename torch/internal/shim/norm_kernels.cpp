// See norm_kernels.hpp.
#include "norm_kernels.hpp"

#include <algorithm>
#include <cstring>
#include <type_traits>

#include "parallel.hpp"

// Compiled a second time for AVX2, if the program can choose between the two when it starts.
#if defined(__x86_64__) && defined(__linux__) && __has_attribute(target_clones)
#define CLONES __attribute__((target_clones("avx2", "default")))
#else
#define CLONES
#endif
#define INLINE inline __attribute__((always_inline))
#pragma GCC diagnostic ignored "-Wpsabi"  // vectors are only passed between inlined functions

namespace icl::norm {

namespace {

constexpr int kBytes = 32;          // of a vector
constexpr int kTile = 4;            // vectors of channels that are summed at once
constexpr int kRows = 128;          // numbers that are summed in x's type
constexpr int64_t kWork = 1 << 16;  // numbers in a piece of work

template <typename T>
struct Vector {
  typedef T type __attribute__((vector_size(kBytes)));
  static constexpr int n = kBytes / sizeof(T);
};

template <typename V, typename T>
INLINE V load(const T* p) {
  V v;
  std::memcpy(&v, p, sizeof v);
  return v;
}

template <typename V, typename T>
INLINE void store(T* p, const V& v) {
  std::memcpy(p, &v, sizeof v);
}

// The coefficients of a vector that lies along one channel (Along), or across channels.
template <typename V, bool Along, typename T>
INLINE V coefficient(const T* a, int64_t c) {
  if constexpr (Along)
    return V{} + a[c];
  else
    return load<V>(a + c);
}

// The operations on one entry. Each passes a NaN on.

template <typename T>
struct Moments {
  const T *x, *pivot;
  template <typename V>
  struct Channel {
    V pivot;
  };
  template <typename V, bool Along>
  INLINE Channel<V> channel(int64_t c) const {
    return {coefficient<V, Along>(pivot, c)};
  }
  template <typename V>
  INLINE void add(int64_t i, const Channel<V>& k, V& a, V& b) const {
    const V d = load<V>(x + i) - k.pivot;
    a += d;
    b += d * d;
  }
};

enum class Mask { none, input, output };

// (x - mean) * scale + bias of a channel.
template <typename T>
struct Channels {
  const T *mean, *scale, *bias;
  template <typename V>
  struct Channel {
    V mean, scale, bias;
  };
  template <typename V, bool Along>
  INLINE Channel<V> channel(int64_t c) const {
    return {coefficient<V, Along>(mean, c), coefficient<V, Along>(scale, c), coefficient<V, Along>(bias, c)};
  }
};

// dz at one entry.
template <typename T, Mask M>
struct Masked : Channels<T> {
  const T *dy, *x, *y;
  template <typename V>
  using Channel = typename Channels<T>::template Channel<V>;
  template <typename V>
  INLINE V at(int64_t i, const V& apart, const Channel<V>& k) const {
    const V g = load<V>(dy + i), zero{};
    if constexpr (M == Mask::none) return g;
    if constexpr (M == Mask::output) return load<V>(y + i) <= zero ? zero : g;
    return apart * k.scale + k.bias <= zero ? zero : g;
  }
};

template <typename T, Mask M, bool Keep>
struct GradientSums {
  Masked<T, M> dz;
  T* keep;
  template <typename V>
  using Channel = typename Masked<T, M>::template Channel<V>;
  template <typename V, bool Along>
  INLINE Channel<V> channel(int64_t c) const {
    return dz.template channel<V, Along>(c);
  }
  template <typename V>
  INLINE void add(int64_t i, const Channel<V>& k, V& a, V& b) const {
    const V apart = load<V>(dz.x + i) - k.mean, g = dz.at(i, apart, k);
    if constexpr (Keep) store(keep + i, g);
    a += g;
    b += g * apart;
  }
};

template <typename T, Mask M>
struct Gradient {
  Masked<T, M> dz;
  const T *slope, *shift;
  T* dx;
  template <typename V>
  struct Channel {
    typename Masked<T, M>::template Channel<V> of;
    V slope, shift;
  };
  template <typename V, bool Along>
  INLINE Channel<V> channel(int64_t c) const {
    return {dz.template channel<V, Along>(c), coefficient<V, Along>(slope, c), coefficient<V, Along>(shift, c)};
  }
  template <typename V>
  INLINE void at(int64_t i, const Channel<V>& k) const {
    const V apart = load<V>(dz.x + i) - k.of.mean;
    store(dx + i, dz.at(i, apart, k.of) * k.of.scale + apart * k.slope + k.shift);
  }
};

template <typename T, bool Residual, bool Relu>
struct Apply : Channels<T> {
  const T *x, *residual;
  T* y;
  template <typename V>
  using Channel = typename Channels<T>::template Channel<V>;
  template <typename V>
  INLINE void at(int64_t i, const Channel<V>& k) const {
    V v = (load<V>(x + i) - k.mean) * k.scale + k.bias;
    const V zero{};
    if constexpr (Residual) v += load<V>(residual + i);
    if constexpr (Relu) v = v < zero ? zero : v;
    store(y + i, v);
  }
};

// Sums f's two numbers over rows that lie `channels` apart, for K vectors of channels from c on.
template <typename T, typename V, int K, typename F>
INLINE void sum_tile(const F& f, int64_t from, int64_t rows, int64_t channels, int64_t c, double* a, double* b) {
  constexpr int n = sizeof(V) / sizeof(T);
  V va[K], vb[K];
  typename F::template Channel<V> k[K];
  for (int t = 0; t < K; t++) {
    va[t] = vb[t] = V{};
    k[t] = f.template channel<V, false>(c + t * n);
  }
  for (int64_t r = from; r < from + rows; r++)
    for (int t = 0; t < K; t++) f.template add<V>(r * channels + c + t * n, k[t], va[t], vb[t]);
  T ta[n], tb[n];
  for (int t = 0; t < K; t++) {
    store(ta, va[t]);
    store(tb, vb[t]);
    for (int l = 0; l < n; l++) {
      a[c + t * n + l] += ta[l];
      b[c + t * n + l] += tb[l];
    }
  }
}

template <typename T, typename F>
CLONES void sum_rows(const F& f, int64_t from, int64_t to, int64_t channels, double* a, double* b) {
  using V = typename Vector<T>::type;
  constexpr int n = Vector<T>::n;
  for (int64_t r = from; r < to; r += kRows) {
    const int64_t rows = std::min<int64_t>(kRows, to - r);
    int64_t c = 0;
    for (; c + kTile * n <= channels; c += kTile * n) sum_tile<T, V, kTile>(f, r, rows, channels, c, a, b);
    for (; c + n <= channels; c += n) sum_tile<T, V, 1>(f, r, rows, channels, c, a, b);
    for (; c < channels; c++) sum_tile<T, T, 1>(f, r, rows, channels, c, a, b);
  }
}

// The same sums along one channel's numbers, from i on.
template <typename T, typename F>
CLONES void sum_run(const F& f, int64_t i, int64_t count, int64_t c, double* a, double* b) {
  using V = typename Vector<T>::type;
  constexpr int n = Vector<T>::n;
  const auto k = f.template channel<V, true>(c);
  const auto one = f.template channel<T, true>(c);
  for (const int64_t end = i + count; i < end;) {
    const int64_t stop = std::min<int64_t>(end, i + kRows * kTile * n);
    V va[kTile] = {}, vb[kTile] = {};
    T la = 0, lb = 0;
    for (; i + kTile * n <= stop; i += kTile * n)
      for (int t = 0; t < kTile; t++) f.template add<V>(i + t * n, k, va[t], vb[t]);
    for (; i + n <= stop; i += n) f.template add<V>(i, k, va[0], vb[0]);
    for (; i < stop; i++) f.template add<T>(i, one, la, lb);
    for (int t = 0; t < kTile; t++) {
      T ta[n], tb[n];
      store(ta, va[t]);
      store(tb, vb[t]);
      for (int l = 0; l < n; l++) {
        *a += ta[l];
        *b += tb[l];
      }
    }
    *a += la;
    *b += lb;
  }
}

template <typename T, typename F>
CLONES void each_row(const F& f, int64_t from, int64_t to, int64_t channels) {
  using V = typename Vector<T>::type;
  constexpr int n = Vector<T>::n;
  for (int64_t r = from; r < to; r++) {
    int64_t c = 0;
    for (; c + n <= channels; c += n) f.template at<V>(r * channels + c, f.template channel<V, false>(c));
    for (; c < channels; c++) f.template at<T>(r * channels + c, f.template channel<T, false>(c));
  }
}

template <typename T, typename F>
CLONES void each_run(const F& f, int64_t i, int64_t count, int64_t c) {
  using V = typename Vector<T>::type;
  constexpr int n = Vector<T>::n;
  const int64_t end = i + count;
  const auto k = f.template channel<V, true>(c);
  for (; i + n <= end; i += n) f.template at<V>(i, k);
  const auto one = f.template channel<T, true>(c);
  for (; i < end; i++) f.template at<T>(i, one);
}

// The size of a piece does not depend on the number of threads, so results do not either.
int64_t rows_of_piece(int64_t row) {
  return std::max<int64_t>(kRows, kWork / std::max<int64_t>(1, row) / kRows * kRows);
}

template <typename T, typename F>
Sums sums(const F& f, const Layout& l) {
  Sums out{std::vector<double>(l.channels), std::vector<double>(l.channels)};
  if (l.inner > 1) {
    parallel(l.channels, [&](int64_t c) {
      for (int64_t o = 0; o < l.outer; o++)
        sum_run<T>(f, (o * l.channels + c) * l.inner, l.inner, c, &out.a[c], &out.b[c]);
    });
    return out;
  }
  const int64_t step = rows_of_piece(l.channels), pieces = (l.outer + step - 1) / step;
  std::vector<double> part(pieces * 2 * l.channels);
  parallel(pieces, [&](int64_t p) {
    double* a = part.data() + p * 2 * l.channels;
    sum_rows<T>(f, p * step, std::min(l.outer, (p + 1) * step), l.channels, a, a + l.channels);
  });
  for (int64_t p = 0; p < pieces; p++)
    for (int64_t c = 0; c < l.channels; c++) {
      out.a[c] += part[p * 2 * l.channels + c];
      out.b[c] += part[(p * 2 + 1) * l.channels + c];
    }
  return out;
}

template <typename T, typename F>
void each(const F& f, const Layout& l) {
  const int64_t step = rows_of_piece(l.channels * l.inner), pieces = (l.outer + step - 1) / step;
  if (l.inner == 1) {
    parallel(pieces, [&](int64_t p) { each_row<T>(f, p * step, std::min(l.outer, (p + 1) * step), l.channels); });
    return;
  }
  parallel(l.outer, [&](int64_t o) {
    for (int64_t c = 0; c < l.channels; c++) each_run<T>(f, (o * l.channels + c) * l.inner, l.inner, c);
  });
}

// Calls f with a null pointer of the tensor's element type.
template <typename F>
auto typed(const at::Tensor& x, F f) {
  return x.scalar_type() == at::kDouble ? f((double*)nullptr) : f((float*)nullptr);
}

template <typename T>
const T* data(const at::Tensor& x) {
  return x.defined() ? x.data_ptr<T>() : nullptr;
}

template <typename T>
Channels<T> channels(const Affine& f) {
  return {data<T>(f.mean), data<T>(f.scale), data<T>(f.bias)};
}

template <typename T, Mask M>
Masked<T, M> masked(const at::Tensor& dy, const at::Tensor& x, const Affine& f, const at::Tensor& y) {
  return {channels<T>(f), data<T>(dy), data<T>(x), data<T>(y)};
}

}  // namespace

bool layout(const at::Tensor& x, Layout* out) {
  if (!x.is_cpu() || (x.scalar_type() != at::kFloat && x.scalar_type() != at::kDouble) || x.dim() < 2 || x.numel() == 0)
    return false;
  *out = {x.size(0), x.size(1), x.numel() / x.size(0) / x.size(1), false};
  if (x.is_contiguous()) return true;
  if (x.dim() != 4 || !x.is_contiguous(at::MemoryFormat::ChannelsLast)) return false;
  *out = {x.size(0) * out->inner, x.size(1), 1, true};
  return true;
}

at::Tensor as(const at::Tensor& x, const Layout& l) {
  return x.contiguous(l.innermost ? at::MemoryFormat::ChannelsLast : at::MemoryFormat::Contiguous);
}

Sums moments(const at::Tensor& x, const Layout& l) {
  return typed(x, [&](auto* null) {
    using T = std::remove_pointer_t<decltype(null)>;
    std::vector<T> pivot(l.channels);
    // The mean of the first few numbers.
    Layout few = l;
    few.outer = std::min<int64_t>(l.outer, l.inner > 1 ? 1 : kRows);
    auto s = sums<T>(Moments<T>{data<T>(x), pivot.data()}, few);
    for (int64_t c = 0; c < l.channels; c++) pivot[c] = (T)(s.a[c] / (double)(few.outer * few.inner));
    s = sums<T>(Moments<T>{data<T>(x), pivot.data()}, l);
    const double n = (double)(l.outer * l.inner);
    for (int64_t c = 0; c < l.channels; c++) {
      const double apart = s.a[c] / n;
      s.a[c] = pivot[c] + apart;
      s.b[c] = s.b[c] / n - apart * apart;
      if (s.b[c] < 0) s.b[c] = 0;  // not of a NaN
    }
    return s;
  });
}

at::Tensor apply(const at::Tensor& x, const Layout& l, const Affine& f, const at::Tensor& residual, bool relu) {
  auto y = at::empty_like(x);
  typed(x, [&](auto* null) {
    using T = std::remove_pointer_t<decltype(null)>;
    auto run = [&](auto with, auto above) {
      each<T>(Apply<T, decltype(with)::value, decltype(above)::value>{channels<T>(f), data<T>(x), data<T>(residual),
                                                                      y.data_ptr<T>()},
              l);
    };
    using Yes = std::true_type;
    using No = std::false_type;
    if (residual.defined())
      relu ? run(Yes{}, Yes{}) : run(Yes{}, No{});
    else
      relu ? run(No{}, Yes{}) : run(No{}, No{});
  });
  return y;
}

Sums gradient_sums(const at::Tensor& dy, const at::Tensor& x, const Layout& l, const Affine& f, const at::Tensor& y,
                   bool relu, const at::Tensor& keep) {
  return typed(x, [&](auto* null) {
    using T = std::remove_pointer_t<decltype(null)>;
    constexpr Mask none = Mask::none, input = Mask::input, output = Mask::output;
    if (!relu) return sums<T>(GradientSums<T, none, false>{masked<T, none>(dy, x, f, y), nullptr}, l);
    if (!keep.defined()) return sums<T>(GradientSums<T, input, false>{masked<T, input>(dy, x, f, y), nullptr}, l);
    return sums<T>(GradientSums<T, output, true>{masked<T, output>(dy, x, f, y), keep.data_ptr<T>()}, l);
  });
}

at::Tensor gradient(const at::Tensor& dy, const at::Tensor& x, const Layout& l, const Affine& f, bool relu,
                    const at::Tensor& slope, const at::Tensor& shift) {
  auto dx = at::empty_like(x);
  typed(x, [&](auto* null) {
    using T = std::remove_pointer_t<decltype(null)>;
    auto run = [&](auto m) {
      constexpr Mask M = decltype(m)::value ? Mask::input : Mask::none;
      each<T>(Gradient<T, M>{masked<T, M>(dy, x, f, {}), data<T>(slope), data<T>(shift), dx.data_ptr<T>()}, l);
    };
    relu ? run(std::true_type{}) : run(std::false_type{});
  });
  return dx;
}

}  // namespace icl::norm
