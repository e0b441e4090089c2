// Stops a program that was started with another version of LibTorch than it was built for.
#include <dlfcn.h>
#include <torch/version.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstring>
#include <string>

#include "shim.h"

namespace {

// Since 2.8 a C function of LibTorch tells its version.
constexpr const char* kNumber = "aoti_torch_abi_version";
// Older versions have it in the description of their build. The C++ ABI decides which of the two names exists.
constexpr const char* kConfig[] = {"_ZN2at11show_configB5cxx11Ev", "_ZN2at11show_configEv"};

// A std::string of either ABI begins with the address of its characters, so one of the other ABI can be read, too. It
// is never freed.
std::string described() {
  for (const char* name : kConfig) {
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
  auto number = reinterpret_cast<uint64_t (*)()>(dlsym(RTLD_DEFAULT, kNumber));
  if (!number) return described();
  const uint64_t v = number();
  return std::to_string(v >> 56) + "." + std::to_string(v >> 48 & 255) + "." + std::to_string(v >> 40 & 255);
}

// The file that LibTorch was loaded from.
std::string loaded_file() {
  for (const char* name : {kNumber, kConfig[0], kConfig[1]}) {
    Dl_info where{};
    void* at = dlsym(RTLD_DEFAULT, name);
    if (at && dladdr(at, &where) && where.dli_fname) return where.dli_fname;
  }
  return "LibTorch";
}

// Runs before all other constructors of this program, which may call functions that the other version lacks. The
// symbols that the loader itself looks up are weak (compat.hpp).
__attribute__((constructor(101))) void check() {
  const auto loaded = loaded_version();
  if (loaded.empty() || loaded == TORCH_VERSION) return;
  std::fprintf(stderr,
               "this program was built for LibTorch %s, but %s is version %s: put the libraries of %s first in "
               "LD_LIBRARY_PATH, or build again with 'make build TORCH=%s'\n",
               TORCH_VERSION, loaded_file().c_str(), loaded.c_str(), TORCH_VERSION, loaded.c_str());
  _exit(1);
}

}  // namespace

const char* icl_loaded_version(void) {
  static const std::string version = loaded_version();
  return version.c_str();
}
