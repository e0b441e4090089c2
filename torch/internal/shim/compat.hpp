// What differs between LibTorch 2.1 and later versions in C++, in one place.
// scripts/libtorch.sh copies this file beside LibTorch and has the compiler
// include it before gotch's sources and before the shim's. What differs in
// set-up and compiler flags is in scripts/libtorch_versions.sh.
//
// gotch v0.9.1 is written for 2.1. Operations that later versions dropped or
// changed are defined here with 2.1's signatures, so that gotch compiles. This
// program calls none of them.
#ifndef ICL_COMPAT_HPP // not #pragma once: the copy and this file are one
#define ICL_COMPAT_HPP

// gotch calls what later versions deprecate, and C++20 deprecates some of its C.
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
#if defined(__GNUC__) && !defined(__clang__) && __cplusplus >= 202002L
#pragma GCC diagnostic ignored "-Wdeprecated-enum-enum-conversion"
#endif

#include <ATen/ATen.h>
#include <torch/csrc/autograd/function.h>
#include <torch/version.h>

#include <cstddef>
#include <stdexcept>
#include <string>
#include <type_traits>

namespace icl_compat {

// The error of an operation that this version of LibTorch does not have.
[[noreturn]] inline at::Tensor missing(const char* name) {
  throw std::runtime_error(std::string("LibTorch ") + TORCH_VERSION + " has no operation " + name + " of LibTorch 2.1");
}

// A graph node of type T, to be given to set_history. Up to 2.11 nodes are held
// by std::shared_ptr and need deleteNode, which frees long graphs without
// recursion; in 2.15 they are intrusive pointers that see to it themselves.
template <typename T, typename... Args>
auto make_node(Args&&... args) {
  if constexpr (std::is_base_of_v<std::enable_shared_from_this<torch::autograd::Node>, torch::autograd::Node>)
    return std::shared_ptr<T>(new T(std::forward<Args>(args)...), [](T* node) { deleteNode(node); });
  else
    return c10::make_intrusive<T>(std::forward<Args>(args)...);
}

}  // namespace icl_compat

namespace torch {

#if TORCH_VERSION_MAJOR > 2 || TORCH_VERSION_MINOR > 1
// 2.2 and later: other parameters.
inline at::Tensor _cslt_sparse_mm(const at::Tensor&, const at::Tensor&, const at::Tensor&, bool) {
  return icl_compat::missing("_cslt_sparse_mm");
}

inline std::tuple<at::Tensor, at::Tensor> _scaled_mm(const at::Tensor&, const at::Tensor&, const at::Tensor&,
                                                     c10::optional<at::ScalarType>, const at::Tensor&,
                                                     const at::Tensor&, const at::Tensor&) {
  return {icl_compat::missing("_scaled_mm"), {}};
}

inline std::tuple<at::Tensor, at::Tensor> _scaled_mm_out(at::Tensor&, at::Tensor&, const at::Tensor&,
                                                         const at::Tensor&, const at::Tensor&,
                                                         c10::optional<at::ScalarType>, const at::Tensor&,
                                                         const at::Tensor&, const at::Tensor&) {
  return {icl_compat::missing("_scaled_mm_out"), {}};
}
#endif

#if !__has_include(<ATen/ops/align_tensors.h>)
// 2.15: named tensors are gone.
inline std::vector<at::Tensor> align_tensors(const std::vector<at::Tensor>&) {
  return {icl_compat::missing("align_tensors")};
}
#endif

#if !__has_include(<ATen/ops/cholesky.h>)
// 2.15: torch.linalg's alone.
inline at::Tensor cholesky(const at::Tensor& a, bool upper) { return at::linalg_cholesky(a, upper); }
inline at::Tensor& cholesky_out(at::Tensor& out, const at::Tensor& a, bool upper) {
  return at::linalg_cholesky_out(out, a, upper);
}
#endif

#if !__has_include(<ATen/ops/qr.h>)
// 2.15: torch.linalg's alone.
inline std::tuple<at::Tensor, at::Tensor> qr(const at::Tensor& a, bool some) {
  return at::linalg_qr(a, some ? "reduced" : "complete");
}
inline std::tuple<at::Tensor&, at::Tensor&> qr_out(at::Tensor& q, at::Tensor& r, const at::Tensor& a, bool some) {
  return at::linalg_qr_out(q, r, a, some ? "reduced" : "complete");
}
#endif

}  // namespace torch

#if !__has_include(<ATen/ops/align_as.h>)
// 2.15: named tensors are gone. gotch calls it as a method, to which only a macro
// can lend a name.
#define align_as(other) mul(icl_compat::missing("align_as"))
#endif

#if TORCH_VERSION_MAJOR > 2 || TORCH_VERSION_MINOR >= 11
// 2.11, where 2.8 does not: the allocators of all devices tell their peak by one interface.
#define ICL_DEVICE_ALLOCATOR
#endif

// What the loader looks up in LibTorch before anything of this program runs: weak,
// so that with a LibTorch that lacks some of it the program still starts, and says
// in one line what is wrong (loaded.cpp). Functions that are called are looked up
// at their first call. loaded_test.go finds what is missing here.
#ifdef __ELF__
__asm__(
    ".weak _ZN3c1019UndefinedTensorImpl10_singletonE\n"
    ".weak _ZN3c104impl26device_guard_impl_registryE\n"
    ".weak _ZN5torch8autograd4Node17release_resourcesEv\n"
    ".weak _ZNK3c105Error4whatEv\n"
    ".weak _ZTIN3c1014WarningHandlerE\n"
    ".weak _ZTIN3c1015DeviceAllocatorE\n"
    ".weak _ZTIN3c109AllocatorE\n"
    ".weak _ZTIN3c105ErrorE\n"
    ".weak _ZTVN3c105ErrorE\n"
    ".weak _ZTVN3c1011StorageImplE\n"
    ".weak _ZN5torch8autograd10deleteNodeEPNS0_4NodeE\n"
    ".weak _ZN5torch8autograd11AnomalyMode8_enabledE\n"
    ".weak _ZNK5torch8autograd4Node4nameEv\n"
    ".weak _ZNK5torch8autograd4Node4nameB5cxx11Ev\n"
    ".weak _ZTIN5torch5optim10SGDOptionsE\n"
    ".weak _ZTIN5torch5optim11AdamOptionsE\n"
    ".weak _ZTIN5torch5optim12AdamWOptionsE\n"
    ".weak _ZTIN5torch5optim14RMSpropOptionsE\n"
    ".weak _ZTIN5torch5optim16OptimizerOptionsE\n"
    ".weak _ZTIN5torch8autograd4NodeE\n"
    ".weak _ZTVN2at14TensorIteratorE\n"
    ".weak _ZTVN2at18TensorIteratorBaseE\n"
    ".weak _ZTVN4c10d11PrefixStoreE\n"
    ".weak _ZTVN5torch3jit6MethodE\n"
    ".weak _ZTVN5torch5optim10SGDOptionsE\n"
    ".weak _ZTVN5torch5optim11AdamOptionsE\n"
    ".weak _ZTVN5torch5optim12AdamWOptionsE\n"
    ".weak _ZTVN5torch5optim14RMSpropOptionsE\n"
    ".weak _ZTVN5torch5optim3SGDE\n"
    ".weak _ZTVN5torch5optim4AdamE\n"
    ".weak _ZTVN5torch5optim5AdamWE\n"
    ".weak _ZTVN5torch5optim7RMSpropE\n"
    ".weak _ZTVN5torch5optim9OptimizerE\n"
    ".weak _ZTVN5torch8autograd12AutogradMetaE\n"
    ".weak _ZTVN5torch8autograd4NodeE\n");
#endif

#endif  // ICL_COMPAT_HPP
