// A device that uses the CPU's memory and operations. To LibTorch it is another device (PrivateUse1, which LibTorch
// reserves for extensions).
#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <ATen/InferSize.h>
#include <ATen/TensorUtils.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/detail/PrivateUse1HooksInterface.h>
#include <c10/core/impl/DeviceGuardImplInterface.h>
#include <torch/library.h>

#include <atomic>
#include <deque>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "standin.h"

extern "C" void standinPlace(char* out, int n);  // Go

namespace {

using torch::jit::Stack;
constexpr auto kType = at::DeviceType::PrivateUse1;

std::atomic<int64_t> reads{0}, later{0}, uploads{0};
std::atomic<bool> forbidden{false};

// The place in the program that called the operation.
std::string place() {
  char text[512] = {};
  standinPlace(text, sizeof text);
  return text;
}

void read(const char* what) {
  reads++;
  TORCH_CHECK(!forbidden, what, " reads a value back, and the host waits for the device, at ", place());
}

bool ours(const at::Tensor& t) { return t.defined() && t.device().type() == kType; }

at::Tensor tensor(c10::Storage storage, c10::DispatchKey key, const at::Tensor& like) {
  auto t = at::detail::make_tensor<c10::TensorImpl>(std::move(storage), c10::DispatchKeySet(key), like.dtype());
  t.unsafeGetTensorImpl()->set_sizes_and_strides(like.sizes(), like.strides(), like.storage_offset());
  return t;
}

// A tensor of the CPU with the memory of t, valid as long as t. If it is resized it gets memory of its own.
at::Tensor on_host(const at::Tensor& t) {
  if (!ours(t)) return t;
  c10::Storage s(c10::Storage::use_byte_size_t(), t.storage().nbytes(),
                 at::DataPtr(t.storage().data_ptr().get(), at::Device(at::kCPU)), c10::GetAllocator(at::kCPU), true);
  return tensor(std::move(s), c10::DispatchKey::CPU, t);
}

// The memory of t, which it keeps alive.
c10::Storage taken(const at::Tensor& t) {
  at::DataPtr data(
      t.storage().data_ptr().get(), new at::Tensor(t), [](void* kept) { delete static_cast<at::Tensor*>(kept); },
      at::Device(kType, 0));
  return c10::Storage(c10::Storage::use_byte_size_t(), t.storage().nbytes(), std::move(data), nullptr, false);
}

at::Tensor on_device(const at::Tensor& t) {
  if (!t.defined()) return t;
  if (t._is_zerotensor()) return on_device(at::zeros(t.sizes(), t.options()));  // it has no memory
  return tensor(taken(t), c10::DispatchKey::PrivateUse1, t);
}

// Turns the arguments of an operation into tensors of the CPU, and its results into tensors of the device.
class Call {
 public:
  explicit Call(std::string name) : name_(std::move(name)) {}

  c10::IValue argument(const c10::IValue& v) {
    if (v.isTensor()) return host(v.toTensor());
    if (v.isTensorList()) {
      c10::List<at::Tensor> out;
      for (const at::Tensor& t : v.toTensorVector()) out.push_back(host(t));
      return out;
    }
    if (v.isOptionalTensorList()) {
      c10::List<c10::optional<at::Tensor>> out;
      for (const c10::optional<at::Tensor>& t : v.toOptionalTensorList().vec())
        out.push_back(t ? c10::optional<at::Tensor>(host(*t)) : c10::optional<at::Tensor>());
      return out;
    }
    if (v.isDevice()) return at::Device(at::kCPU);
    return v;
  }

  // Most CUDA kernels refuse mixed devices. They take a scalar tensor of the CPU, but such a tensor was probably made
  // on the wrong device, so it is refused here, too.
  void check() const {
    if (!ours_.empty())
      for (auto& t : others_)
        TORCH_CHECK(false, name_, " mixes a tensor of the CPU, of shape ", t.sizes(), ", with those of the device, at ",
                    place());
  }

  c10::IValue result(const c10::IValue& v) {
    if (v.isTensor()) return device(v.toTensor());
    if (v.isTensorList()) {
      c10::List<at::Tensor> out;
      for (const at::Tensor& t : v.toTensorVector()) out.push_back(device(t));
      return out;
    }
    return v;
  }

  // Gives arguments that were resized their new memory and shape.
  void adopt() {
    for (auto& [t, h] : ours_) {
      auto* impl = t.unsafeGetTensorImpl();
      if (h.storage().data_ptr().get() != t.storage().data_ptr().get()) impl->set_storage_keep_dtype(taken(h));
      if (h.sizes() != t.sizes() || h.strides() != t.strides())
        impl->set_sizes_and_strides(h.sizes(), h.strides(), h.storage_offset());
    }
  }

 private:
  at::Tensor host(const at::Tensor& t) {
    if (t.defined() && !ours(t) && !t.unsafeGetTensorImpl()->is_wrapped_number()) others_.push_back(t);
    if (!ours(t)) return t;
    ours_.emplace_back(t, on_host(t));
    return ours_.back().second;
  }

  at::Tensor device(const at::Tensor& r) {
    for (auto& [t, h] : ours_)
      if (r.is_same(h)) return t;
    for (auto& [t, h] : ours_)
      TORCH_CHECK(!r.defined() || !r.numel() || r.storage().data_ptr().get() != t.storage().data_ptr().get(), name_,
                  " makes a view, which the stand-in device does not know");
    return on_device(r);
  }

  std::string name_;
  std::vector<std::pair<at::Tensor, at::Tensor>> ours_;
  std::vector<at::Tensor> others_;
};

template <typename F>
void through(const c10::OperatorHandle& op, Stack* stack, F run) {
  Call call(op.schema().name());
  const size_t first = stack->size() - op.schema().arguments().size();
  for (size_t i = first; i < stack->size(); i++) (*stack)[i] = call.argument((*stack)[i]);
  call.check();
  run();
  call.adopt();
  for (size_t i = first; i < stack->size(); i++) (*stack)[i] = call.result((*stack)[i]);
}

void on_cpu(const c10::OperatorHandle& op, Stack* stack) {
  through(op, stack, [&] { op.redispatchBoxed(c10::DispatchKeySet(c10::DispatchKey::CPU), stack); });
}

c10::OperatorHandle named(const char* name) { return c10::Dispatcher::singleton().findSchemaOrThrow(name, ""); }

// Operations that a device other than LibTorch's own has to override.
void convolution(const c10::OperatorHandle& op, Stack* stack) {
  through(op, stack, [&] { named("aten::convolution").callBoxed(stack); });
}

void convolution_backward(const c10::OperatorHandle& op, Stack* stack) {
  through(op, stack, [&] {
    const bool bias = stack->back().toBoolList().get(2);
    auto at = stack->end() - op.schema().arguments().size() + 3;
    stack->insert(at, std::vector<int64_t>{bias ? (at - 1)->toTensor().size(0) : 0});
    named("aten::convolution_backward").callBoxed(stack);
  });
}

at::Tensor blank_strided(at::IntArrayRef size, at::IntArrayRef stride, c10::optional<at::ScalarType> dtype,
                         c10::optional<at::Layout>, c10::optional<at::Device>, c10::optional<bool>) {
  return on_device(at::empty_strided(size, stride, at::dtype(dtype.value_or(at::kFloat))));
}

at::Tensor blank(at::IntArrayRef size, c10::optional<at::ScalarType> dtype, c10::optional<at::Layout>,
                 c10::optional<at::Device>, c10::optional<bool>, c10::optional<at::MemoryFormat> format) {
  return on_device(at::empty(size, at::dtype(dtype.value_or(at::kFloat)), format));
}

at::Tensor strided(const at::Tensor& t, at::IntArrayRef size, at::IntArrayRef stride, c10::optional<int64_t> from) {
  auto v = at::detail::make_tensor<c10::TensorImpl>(c10::TensorImpl::VIEW, c10::Storage(t.storage()), t.key_set(),
                                                    t.dtype());
  v.unsafeGetTensorImpl()->set_sizes_and_strides(size, stride, from.value_or(t.storage_offset()));
  return v;
}

at::Tensor reshape_alias(const at::Tensor& t, at::IntArrayRef size, at::IntArrayRef stride) {
  return strided(t, size, stride, {});
}

at::Tensor viewed(const at::Tensor& t, at::IntArrayRef size) {
  auto shape = at::infer_size_dv(size, t.numel());
  auto stride = at::detail::computeStride(t.sizes(), t.strides(), shape);
  TORCH_CHECK(stride.has_value(), "view of shape ", size, " of a tensor of shape ", t.sizes(), " with other strides");
  return strided(t, shape, *stride, {});
}

// Copies to the host that the host does not wait for. They arrive when an event that was recorded after them is queried
// a second time.
struct Arrival {
  at::Tensor to, what;
  int64_t number;
};
std::mutex mutex;
std::deque<Arrival> arrivals;
int64_t queued = 0;

void arrive(int64_t upto) {
  std::lock_guard<std::mutex> lock(mutex);
  for (; !arrivals.empty() && arrivals.front().number <= upto; arrivals.pop_front())
    arrivals.front().to.copy_(arrivals.front().what);
}

at::Tensor copy_from(const at::Tensor& t, const at::Tensor& to, bool later_on) {
  if (to.is_cpu() && later_on) {
    later++;
    auto what = on_host(t).clone();
    std::lock_guard<std::mutex> lock(mutex);
    arrivals.push_back({to, what, ++queued});
    return to;
  }
  if (to.is_cpu()) {
    read("a copy to the CPU");
    arrive(queued);
  } else if (t.is_cpu()) {
    uploads++;
  }
  on_host(to).copy_(on_host(t));
  return to;
}

at::Scalar local_scalar(const at::Tensor& t) {
  read("item()");
  arrive(queued);
  return on_host(t).item();
}

struct Event {
  int64_t number;
  bool asked = false;
};

struct Guard final : c10::impl::DeviceGuardImplInterface {
  at::DeviceType type() const override { return kType; }
  at::Device exchangeDevice(at::Device) const override { return getDevice(); }
  at::Device getDevice() const override { return at::Device(kType, 0); }
  void setDevice(at::Device) const override {}
  void uncheckedSetDevice(at::Device) const noexcept override {}
  c10::Stream getStream(at::Device d) const noexcept override { return c10::Stream(c10::Stream::DEFAULT, d); }
  c10::Stream getDefaultStream(at::Device d) const override { return getStream(d); }
  c10::Stream exchangeStream(c10::Stream) const noexcept override { return getStream(getDevice()); }
  c10::DeviceIndex deviceCount() const noexcept override { return 1; }
  void record(void** event, const c10::Stream&, const c10::DeviceIndex, const c10::EventFlag) const override {
    if (!*event) *event = new Event();
    std::lock_guard<std::mutex> lock(mutex);
    *static_cast<Event*>(*event) = {queued, false};
  }
  void block(void*, const c10::Stream&) const override {}
  bool queryEvent(void* event) const override {
    auto& e = *static_cast<Event*>(event);
    if (!std::exchange(e.asked, true)) return false;
    arrive(e.number);
    return true;
  }
  void destroyEvent(void* event, const c10::DeviceIndex) const noexcept override { delete static_cast<Event*>(event); }
};

C10_REGISTER_GUARD_IMPL(PrivateUse1, Guard);

// Later versions of LibTorch call these before a backward pass and to set a seed. Which of them are virtual depends on
// the version.
struct Hooks final : at::PrivateUse1HooksInterface {
  void init() const {}
  bool isBuilt() const { return true; }
  bool isAvailable() const { return true; }
  bool hasPrimaryContext(c10::DeviceIndex) const { return true; }
  c10::DeviceIndex deviceCount() const { return 1; }
  c10::DeviceIndex getCurrentDevice() const { return 0; }
  bool isPinnedPtr(const void*) const { return false; }
  const at::Generator& getDefaultGenerator(c10::DeviceIndex) const { return at::detail::getDefaultCPUGenerator(); }
  const at::Generator& getDefaultGenerator(c10::DeviceIndex) { return at::detail::getDefaultCPUGenerator(); }
};

const bool registered = [] {
  c10::register_privateuse1_backend("standin");
  at::RegisterPrivateUse1HooksInterface(new Hooks());
  return true;
}();

}  // namespace

TORCH_LIBRARY_IMPL(_, PrivateUse1, m) { m.fallback(torch::CppFunction::makeFromBoxedFunction<&on_cpu>()); }

TORCH_LIBRARY_IMPL(aten, PrivateUse1, m) {
  m.impl("empty.memory_format", blank);
  m.impl("empty_strided", blank_strided);
  m.impl("as_strided", strided);
  m.impl("_reshape_alias", reshape_alias);
  m.impl("view", viewed);
  m.impl("_copy_from", copy_from);
  m.impl("_local_scalar_dense", local_scalar);
  m.impl("convolution_overrideable", torch::CppFunction::makeFromBoxedFunction<&convolution>());
  m.impl("convolution_backward_overrideable", torch::CppFunction::makeFromBoxedFunction<&convolution_backward>());
}

standin_counts standin_counted(void) { return {reads.load(), later.load(), uploads.load()}; }
void standin_forbid(int on) { forbidden = on != 0; }
