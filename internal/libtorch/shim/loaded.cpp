// A program started with a LibTorch of another version than it was built for.
#include <dlfcn.h>
#include <torch/version.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "shim.h"

namespace icl {

namespace {

// The version from the description of LibTorch's build. A string of either C++ ABI
// begins with the address of its characters, so that of the other ABI can be read.
std::string described() {
  for (const char* name : {"_ZN2at11show_configB5cxx11Ev", "_ZN2at11show_configEv"}) {
    auto config = reinterpret_cast<void (*)(void*)>(dlsym(RTLD_DEFAULT, name));
    if (!config) continue;
    alignas(std::max_align_t) char text[64] = {};
    config(text);
    const char* at = std::strstr(*reinterpret_cast<char**>(text), "TORCH_VERSION=");
    if (!at) continue;
    at += std::strlen("TORCH_VERSION=");
    return std::string(at, std::strspn(at, "0123456789."));
  }
  return "";
}

std::string loaded_version() {
  // LibTorch says it in plain C since 2.8; asking is cheap.
  auto number = reinterpret_cast<uint64_t (*)()>(dlsym(RTLD_DEFAULT, "aoti_torch_abi_version"));
  if (!number) return described();
  const uint64_t v = number();
  return std::to_string(v >> 56) + "." + std::to_string(v >> 48 & 255) + "." + std::to_string(v >> 40 & 255);
}

namespace {

// Before every other constructor of this program, which may call what the other
// version lacks. What the loader itself looks up is weak (compat.hpp).
__attribute__((constructor(101))) void check() {
  const auto loaded = loaded_version();
  if (loaded.empty() || loaded == TORCH_VERSION) return;
  Dl_info where{};
  void* anything = dlsym(RTLD_DEFAULT, "aoti_torch_abi_version");
  if (!anything) anything = dlsym(RTLD_DEFAULT, "_ZN2at11show_configEv");
  const bool known = anything && dladdr(anything, &where) && where.dli_fname;
  std::fprintf(stderr,
               "this program was built for LibTorch %s, and %s of %s was loaded: put the libraries of %s first in "
               "LD_LIBRARY_PATH, or build anew with 'make build TORCH=%s'\n",
               TORCH_VERSION, known ? where.dli_fname : "LibTorch", loaded.c_str(), TORCH_VERSION, loaded.c_str());
  std::fflush(stderr);
  _exit(1);
}

}  // namespace

}  // namespace icl

const char* icl_loaded_version(void) {
  static const std::string version = icl::loaded_version();
  return version.c_str();
}
