// A program started with a LibTorch of another version than it was built for.
#include <dlfcn.h>
#include <torch/version.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstring>
#include <string>

#include "shim.h"

namespace {

// LibTorch says its version in plain C since 2.8.
constexpr const char* kNumber = "aoti_torch_abi_version";
// Before, the description of its build has it. Which of the names is there depends on
// the C++ ABI.
constexpr const char* kConfig[] = {"_ZN2at11show_configB5cxx11Ev", "_ZN2at11show_configEv"};

// A string of either ABI begins with the address of its characters, so that one of
// the other ABI can be read, too. It is never freed.
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

// The file of the LibTorch that was loaded.
std::string loaded_file() {
  for (const char* name : {kNumber, kConfig[0], kConfig[1]}) {
    Dl_info where{};
    void* at = dlsym(RTLD_DEFAULT, name);
    if (at && dladdr(at, &where) && where.dli_fname) return where.dli_fname;
  }
  return "LibTorch";
}

// Before every other constructor of this program, which may call what the other
// version lacks. What the loader itself looks up is weak (compat.hpp).
__attribute__((constructor(101))) void check() {
  const auto loaded = loaded_version();
  if (loaded.empty() || loaded == TORCH_VERSION) return;
  std::fprintf(stderr,
               "this program was built for LibTorch %s, and %s is %s: put the libraries of %s first in LD_LIBRARY_PATH, "
               "or build anew with 'make build TORCH=%s'\n",
               TORCH_VERSION, loaded_file().c_str(), loaded.c_str(), TORCH_VERSION, loaded.c_str());
  _exit(1);
}

}  // namespace

const char* icl_loaded_version(void) {
  static const std::string version = loaded_version();
  return version.c_str();
}
