// PyTorch's c10d: its key-value store, its process groups, and collectives without derivatives.
#include "group.hpp"

#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>

#include <chrono>
#include <iostream>
#include <utility>

#if __has_include(<gloo/context.h>)
#define USE_C10D_GLOO
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#endif
#ifdef ICL_NCCL  // a build for GPUs, which has CUDA's headers
#define USE_C10D_NCCL
// CUDA's headers of the half types need libcu++, and only the types' names are used here. NCCL includes the header of
// the 8-bit types since 2.24 but does not use them.
#define __CUDA_FP16_H__
#define __CUDA_BF16_H__
#define __CUDA_FP8_H__
struct __half;
struct __nv_bfloat16;
#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ >= 12
#pragma GCC diagnostic ignored "-Winterference-size"  // of c10's CUDAEvent.h
#endif
#include <torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp>
#endif

using icl::Group;
using icl::group;
using icl::in;
using Clock = std::chrono::steady_clock;

namespace {

using StorePtr = c10::intrusive_ptr<c10d::Store>;

c10d::Store& store(icl_store s) {
  TORCH_CHECK(s != nullptr, "no store");
  return **static_cast<StorePtr*>(s);
}

std::vector<uint8_t> bytes(const void* data, int64_t n) {
  auto p = static_cast<const uint8_t*>(data);
  return n > 0 ? std::vector<uint8_t>(p, p + n) : std::vector<uint8_t>();
}

void give(char** data, int64_t* n, const std::vector<uint8_t>& v) {
  *n = (int64_t)v.size();
  *data = (char*)malloc(v.size() + 1);
  if (!v.empty()) memcpy(*data, v.data(), v.size());
}

int64_t since(Clock::time_point start) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now() - start).count();
}

void count(Group& g, const at::Tensor& x) {
  g.calls++;
  g.bytes += x.nbytes();
}

void finish(Group& g, c10d::Work& work, Clock::time_point start) {
  work.wait();
  const auto ns = since(start);
  g.busy_ns += ns;
  g.waited_ns += ns;
}

std::vector<icl::Pending> take_pending(Group& g) {
  std::lock_guard<std::mutex> lock(g.lock);
  return std::exchange(g.pending, {});
}

// Waits for what a failed backward pass left behind: its callback uses the group.
void drop_pending(Group& g) {
  for (auto& p : take_pending(g)) {
    try {
      p.work->wait();
    } catch (...) {
    }
  }
}

}  // namespace

namespace icl {

at::Tensor gathered(const at::Tensor& x, Group& g) {
  TORCH_CHECK(x.dim() > 0, "gather of a tensor without rows");
  const auto start = Clock::now();
  std::vector<at::Tensor> mine{x.detach().contiguous()};
  auto sizes = x.sizes().vec();
  sizes.insert(sizes.begin(), g.size);
  auto all = at::empty(sizes, mine[0].options().memory_format(at::MemoryFormat::Contiguous));
  std::vector<std::vector<at::Tensor>> parts{all.unbind(0)};
  count(g, mine[0]);
  finish(g, *g.backend->allgather(parts, mine), start);
  return all.flatten(0, 1);
}

void sum_(at::Tensor& x, Group& g) {
  const auto start = Clock::now();
  std::vector<at::Tensor> xs{x};
  count(g, x);
  finish(g, *g.backend->allreduce(xs), start);
}

void begin_sum_(at::Tensor& x, Group& g) {
  const auto start = Clock::now();
  std::vector<at::Tensor> xs{x};
  count(g, x);
  auto work = g.backend->allreduce(xs);
  if (auto future = work->getFuture())
    future->addCallback([&g, start](c10::ivalue::Future&) { g.busy_ns += since(start); });
  std::lock_guard<std::mutex> lock(g.lock);
  g.pending.push_back({work, x});
}

void wait_pending(Group& g) {
  for (auto& p : take_pending(g)) {
    const auto start = Clock::now();
    p.work->wait();
    g.waited_ns += since(start);
  }
}

}  // namespace icl

namespace {

// Silence keeps C++ from printing on standard output, which is the program's own.
struct Silence {
  std::streambuf* was = std::cout.rdbuf(nullptr);
  ~Silence() {
    std::cout.rdbuf(was);
    std::cout.clear();  // printing without a buffer is an error of the stream
  }
};

}  // namespace

icl_error icl_store_open(icl_store* out, const char* host, int port, int listen_fd, int64_t timeout_ms) {
  return icl::guarded([&] {
    c10d::TCPStoreOptions o;
    o.port = (uint16_t)port;
    o.waitWorkers = false;
    o.timeout = std::chrono::milliseconds(timeout_ms);
    if (listen_fd >= 0) {
      o.isServer = true;
      o.masterListenFd = listen_fd;
      o.useLibUV = false;  // the default since 2.4, but in 2.6 libuv's server takes no listening socket
    }
    *out = new StorePtr(c10::make_intrusive<c10d::TCPStore>(host, o));
  });
}

icl_error icl_store_prefix(icl_store* out, icl_store s, const char* prefix) {
  return icl::guarded([&] {
    store(s);
    *out = new StorePtr(c10::make_intrusive<c10d::PrefixStore>(prefix, *static_cast<StorePtr*>(s)));
  });
}

void icl_store_free(icl_store s) { delete static_cast<StorePtr*>(s); }

icl_error icl_store_set(icl_store s, const char* key, const void* data, int64_t n) {
  return icl::guarded([&] { store(s).set(key, bytes(data, n)); });
}

icl_error icl_store_get(char** data, int64_t* n, icl_store s, const char* key, int64_t timeout_ms) {
  return icl::guarded([&] {
    store(s).wait({key}, std::chrono::milliseconds(timeout_ms));
    give(data, n, store(s).get(key));
  });
}

icl_error icl_store_add(int64_t* out, icl_store s, const char* key, int64_t delta) {
  return icl::guarded([&] { *out = store(s).add(key, delta); });
}

icl_error icl_store_check(int* out, icl_store s, const char* key) {
  return icl::guarded([&] { *out = store(s).check({key}); });
}

icl_error icl_group_open(icl_group* out, icl_store s, const char* backend, const char* address, int rank, int size,
                         int64_t timeout_ms) {
  return icl::guarded([&] {
    store(s);
    auto& at_store = *static_cast<StorePtr*>(s);
    const std::string name = backend;
    const std::chrono::milliseconds timeout(timeout_ms);
    auto g = std::make_unique<Group>();
    g->rank = rank;
    g->size = size;
    if (name == "gloo") {
#ifdef USE_C10D_GLOO
      auto o = c10d::ProcessGroupGloo::Options::create(timeout);
      o->devices.push_back(c10d::ProcessGroupGloo::createDeviceForHostname(address));
      o->threads = 2;
      Silence quiet;  // some versions (2.8) print how many ranks are connected
      g->backend = c10::make_intrusive<c10d::ProcessGroupGloo>(at_store, rank, size, o);
#else
      TORCH_CHECK(
          false, "this program was built without gloo's headers: set LibTorch up again on a machine that can download ",
          "Debian's libgloo-dev");
#endif
    } else if (name == "nccl") {
#ifdef USE_C10D_NCCL
      auto o = c10d::ProcessGroupNCCL::Options::create();
      o->timeout = timeout;
      g->backend = c10::make_intrusive<c10d::ProcessGroupNCCL>(at_store, rank, size, o);
#else
      TORCH_CHECK(false, "this program was built without NCCL: set LibTorch up and build with CUDA=1, or use gloo");
#endif
    } else {
      TORCH_CHECK(false, "unknown backend ", name, ": use gloo or nccl");
    }
    *out = g.release();
  });
}

int icl_group_backends(void) {
  int out = 0;
#ifdef USE_C10D_GLOO
  out |= 1;
#endif
#ifdef USE_C10D_NCCL
  out |= 2;
#endif
  return out;
}

void icl_group_free(icl_group g) {
  if (!g) return;
  drop_pending(group(g));
  try {
    delete &group(g);
  } catch (...) {
  }
}

icl_error icl_group_broadcast_(const icl_tensor* ts, int n, int root, icl_group handle) {
  return icl::guarded([&] {
    auto& g = group(handle);
    c10d::BroadcastOptions o;
    o.rootRank = root;
    for (int i = 0; i < n; i++) {
      const auto start = Clock::now();
      at::NoGradGuard off;
      auto value = in(ts[i]).detach();
      auto flat = value.contiguous();
      std::vector<at::Tensor> xs{flat};
      count(g, flat);
      finish(g, *g.backend->broadcast(xs, o), start);
      if (!flat.is_same(value) && g.rank != root) value.copy_(flat);
    }
  });
}

icl_error icl_group_barrier(icl_group handle) {
  return icl::guarded([&] { group(handle).backend->barrier()->wait(); });
}

void icl_group_traffic(icl_group handle, int64_t* calls, int64_t* bytes, int64_t* busy_ns, int64_t* waited_ns) {
  auto& g = *static_cast<Group*>(handle);
  *calls = g.calls;
  *bytes = g.bytes;
  *busy_ns = g.busy_ns;
  *waited_ns = g.waited_ns;
}
