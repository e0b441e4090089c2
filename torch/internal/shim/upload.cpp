// Copies from the host to a device that run while the device computes, and marks in a device's queue.
//
// The code uses c10's interface to devices, which is the same from LibTorch 2.1 to 2.15 and needs no CUDA header:
// getStream, getStreamFromGlobalPool and recordDataPtrOnStream of VirtualGuardImpl, StreamGuard, and Event.
#include <c10/core/Event.h>
#include <c10/core/StreamGuard.h>
#include <c10/core/impl/VirtualGuardImpl.h>

#include <dlfcn.h>

#include <map>
#include <mutex>

#include "common.hpp"

using icl::guarded;
using icl::handle;
using icl::ints;
using icl::options;

namespace {

c10::Device gpu(int index) { return {at::kCUDA, (c10::DeviceIndex)index}; }

// The stream of all copies to a device. It is taken from LibTorch's pool once, so copies follow each other.
c10::Stream copies(const c10::impl::VirtualGuardImpl& impl, c10::Device device) {
  static std::mutex lock;
  static std::map<c10::DeviceIndex, c10::Stream> taken;
  std::lock_guard<std::mutex> hold(lock);
  auto at = taken.find(device.index());
  if (at == taken.end()) at = taken.emplace(device.index(), impl.getStreamFromGlobalPool(device)).first;
  return at->second;
}

// The copy of host memory on the device. The caller may write to its memory again when the function returns; the
// function does not wait for the device. Its steps:
//  1. `staged` is page-locked memory of LibTorch's caching host allocator. No earlier copy still reads this block: the
//     allocator gives out a freed block only after the event of its last copy (4).
//  2. The host copies the data into it. Only this step takes time here.
//  3. `x` is allocated while the stream of copies is the current one, so its memory is new or was freed on that stream.
//     The copy need not wait for the computing stream.
//  4. The copy is queued on its stream. Source and target are contiguous and of one dtype, and the source is
//     page-locked, so it is one cudaMemcpyAsync. LibTorch then records the event of (1) for `staged`.
//  5. `done` is an event after the copy. Work that is queued on the computing stream from now on waits for it; work
//     that is already queued there, the step before, continues.
//  6. The allocator learns that the computing stream uses `x`. After `x` is freed, its memory is not given out before
//     the work queued on that stream is done.
// `staged` and `done` end with this function. The block returns to its allocator as in (1). CUDA destroys an event that
// is still waited for only after it has happened.
at::Tensor upload(const at::Tensor& data, const at::TensorOptions& o) {
  const auto to = o.device();
  const c10::impl::VirtualGuardImpl impl(at::kCUDA);
  auto staged = at::empty(data.sizes(), data.options().pinned_memory(true));  // 1
  staged.copy_(data);                                                         // 2
  const auto computing = impl.getStream(to), copying = copies(impl, to);
  at::Tensor x;
  {
    c10::StreamGuard current(copying);
    x = at::empty(data.sizes(), o);          // 3
    x.copy_(staged, /*non_blocking=*/true);  // 4
  }
  c10::Event done(at::kCUDA);  // 5
  done.record(copying);
  done.block(computing);
  impl.recordDataPtrOnStream(x.storage().data_ptr(), computing);  // 6
  return x;
}

// A point in a device's queue. It holds a raw event because c10::Event of 2.1 cannot tell the time between two events.
struct Mark {
  int device;
  void* event = nullptr;
  explicit Mark(int device) : device(device) {
    const c10::impl::VirtualGuardImpl impl(at::kCUDA);
    const auto to = gpu(device);
    impl.record(&event, impl.getStream(to), to.index(), c10::EventFlag::BACKEND_DEFAULT);  // with its time
  }
  ~Mark() { c10::impl::VirtualGuardImpl(at::kCUDA).destroyEvent(event, (c10::DeviceIndex)device); }
};

Mark& mark(icl_mark m) { return *static_cast<Mark*>(m); }

}  // namespace

icl_error icl_upload(icl_tensor* out, const void* data, const int64_t* shape, int dim, int kind, int device) {
  return guarded([&] {
    const at::NoGradGuard off;
    const auto host = at::from_blob(const_cast<void*>(data), ints(shape, dim), options(kind, -1));
    const auto o = options(kind, device);
    *out = handle(o.device().is_cuda() ? upload(host, o) : host.to(o, /*non_blocking=*/false, /*copy=*/true));
  });
}

icl_error icl_mark_new(icl_mark* out, int device) {
  return guarded([&] { *out = new Mark(device); });
}
void icl_mark_free(icl_mark m) { delete &mark(m); }

icl_error icl_mark_passed(int* out, icl_mark m) {
  return guarded([&] { *out = c10::impl::VirtualGuardImpl(at::kCUDA).queryEvent(mark(m).event); });
}

// A LibTorch for CUDA brings CUDA's runtime into the process, so its headers are not needed.
icl_error icl_mark_between(double* seconds, icl_mark from, icl_mark to) {
  return guarded([&] {
    using Elapsed = int (*)(float*, void*, void*);
    float ms = 0;
    const auto elapsed = reinterpret_cast<Elapsed>(dlsym(RTLD_DEFAULT, "cudaEventElapsedTime"));
    TORCH_CHECK(elapsed, "CUDA's runtime has no cudaEventElapsedTime");
    const int status = elapsed(&ms, mark(from).event, mark(to).event);
    TORCH_CHECK(status == 0, "cudaEventElapsedTime: error ", status);
    *seconds = ms / 1000;
  });
}
