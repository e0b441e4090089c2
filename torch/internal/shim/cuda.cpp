// CUDA without its headers, which a CPU build does not have. A LibTorch for CUDA brings the functions of CUDA's runtime
// into the process; the driver's library is opened here.
#include <ATen/Context.h>
#include <c10/util/Exception.h>

#include <dlfcn.h>

#include "common.hpp"

namespace {

// A function of CUDA's runtime or of NCCL; nullptr if the process does not have it.
template <typename F>
F* loaded(const char* name) {
  return reinterpret_cast<F*>(dlsym(RTLD_DEFAULT, name));
}

// A function of the driver; nullptr without a driver. The functions used here create no context.
template <typename F>
F* driver(const char* name) {
  static void* const library = dlopen("libcuda.so.1", RTLD_LAZY);
  return library ? reinterpret_cast<F*>(dlsym(library, name)) : nullptr;
}

// Suppresses LibTorch's warnings: package torch reports the same problems once, with the remedy.
struct Silence : c10::WarningHandler {
  void process(const c10::Warning&) override {}
};

template <typename F>
auto silently(F f) {
  Silence silence;
  c10::WarningUtils::WarningHandlerGuard guard(&silence);
  return f();
}

const at::CUDAHooksInterface& hooks() { return at::detail::getCUDAHooks(); }

// Whether this LibTorch was built for CUDA, with or without a driver on this machine.
bool built() { return hooks().hasCUDART(); }

int version(const char* name) {
  auto ask = loaded<int(int*)>(name);
  int v = 0;
  return ask && ask(&v) == 0 ? v : 0;
}

void put(char (&out)[256], const char* text) {
  std::strncpy(out, text ? text : "", sizeof out - 1);
  out[sizeof out - 1] = 0;
}

void count(icl_cuda_state* s) {
  auto ask = loaded<int(int*)>("cudaGetDeviceCount");
  if (!ask) {  // the runtime is inside another library
    s->devices = (int)hooks().getNumGPUs();
    return;
  }
  s->status = ask(&s->devices);
  if (s->status == 0) return;
  s->devices = 0;
  auto text = loaded<const char*(int)>("cudaGetErrorString");
  put(s->said, text ? text(s->status) : "");
}

int attribute(int which, int device) {
  auto ask = driver<int(int*, int, int)>("cuDeviceGetAttribute");
  int v = 0;
  return ask && ask(&v, which, device) == 0 ? v : 0;
}

}  // namespace

int icl_cuda_devices(void) {
  try {
    return silently([] { return at::hasCUDA() ? (int)hooks().getNumGPUs() : 0; });
  } catch (...) {
    return 0;
  }
}

icl_error icl_cuda_survey(icl_cuda_state* out) {
  return icl::guarded([&] {
    *out = {};
    if (!built()) return;
    out->built = 1;
    out->driver = version("cudaDriverGetVersion");
    out->runtime = version("cudaRuntimeGetVersion");
    if (out->runtime == 0) out->runtime = (int)hooks().versionCUDART();
    if (hooks().hasCuDNN()) out->cudnn = (int)hooks().versionCuDNN();
    silently([&] { count(out); });
  });
}

icl_error icl_cuda_describe(icl_cuda_card* out, int device) {
  constexpr int mode = 20, major = 75, minor = 76;  // CUdevice_attribute's
  return icl::guarded([&] {
    *out = {};
    auto init = driver<int(unsigned)>("cuInit");
    auto get = driver<int(int*, int)>("cuDeviceGet");
    auto name = driver<int(char*, int, int)>("cuDeviceGetName");
    auto memory = driver<int(size_t*, int)>("cuDeviceTotalMem_v2");
    int d = 0;
    TORCH_CHECK(init && get && name && init(0) == 0 && get(&d, device) == 0, "CUDA's driver knows no device ", device);
    TORCH_CHECK(name(out->name, sizeof out->name, d) == 0, "CUDA's driver does not describe device ", device);
    size_t bytes = 0;
    if (memory && memory(&bytes, d) == 0) out->memory = (int64_t)bytes;
    out->major = attribute(major, d);
    out->minor = attribute(minor, d);
    out->mode = attribute(mode, d);
  });
}

int icl_cuda_memory(int device, int64_t* free, int64_t* total) {
  auto current = loaded<int(int*)>("cudaGetDevice");
  auto set = loaded<int(int)>("cudaSetDevice");
  auto ask = loaded<int(size_t*, size_t*)>("cudaMemGetInfo");
  int before = 0;
  if (!current || !set || !ask || icl_cuda_devices() <= device || current(&before) != 0) return 0;
  size_t f = 0, t = 0;
  const bool ok = set(device) == 0 && ask(&f, &t) == 0;
  set(before);
  *free = (int64_t)f;
  *total = (int64_t)t;
  return ok;
}

icl_error icl_cuda_config(char** out) {
  return icl::guarded([&] { *out = strdup(built() ? hooks().showConfig().c_str() : ""); });
}

int icl_cuda_address(int device, char* out, int n) {
  auto address = loaded<int(char*, int, int)>("cudaDeviceGetPCIBusId");
  return address && icl_cuda_devices() > device && address(out, n, device) == 0;
}

icl_error icl_cuda_synchronize(int device) {
  return icl::guarded([&] { hooks().deviceSynchronize(device); });
}

int icl_nccl_version(void) { return version("ncclGetVersion"); }

// LibTorch 2.9 introduced setFloat32Precision and warns about the functions used here, but 2.15 still has them. They
// set both the old and the new settings; LibTorch stops with an error if the two disagree.
icl_error icl_cuda_set_numerics(icl_cuda_numerics n) {
  return icl::guarded([&] {
    auto& c = at::globalContext();
    c.setDeterministicAlgorithms(n.deterministic != 0, /*warn_only=*/false);
    c.setDeterministicCuDNN(n.deterministic != 0);
    c.setBenchmarkCuDNN(n.autotune != 0);
    silently([&] {
      c.setAllowTF32CuDNN(n.tf32_convolutions != 0);
      c.setAllowTF32CuBLAS(n.tf32_products != 0);
    });
  });
}

icl_error icl_cuda_get_numerics(icl_cuda_numerics* out) {
  return icl::guarded([&] {
    const auto& c = at::globalContext();
    silently([&] {
      *out = {c.deterministicAlgorithms() && c.deterministicCuDNN(), c.benchmarkCuDNN(), c.allowTF32CuDNN(),
              c.allowTF32CuBLAS()};
    });
  });
}
