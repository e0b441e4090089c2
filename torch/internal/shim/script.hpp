// TorchScript modules as the C face holds them, and the messages of their
// interpreter.
#pragma once
#include <torch/csrc/jit/api/module.h>

#include "common.hpp"

namespace icl {

inline torch::jit::Module& module(icl_module m) {
  TORCH_CHECK(m != nullptr, "a module is missing");
  return *static_cast<torch::jit::Module*>(m);
}

// The archive of a module, into memory to be freed with free.
void save(const torch::jit::Module& m, char** data, int64_t* size);

// The interpreter's texts are a traceback of TorchScript, the error's kind and
// words after it.
template <typename F>
icl_error guarded_script(F f) {
  try {
    f();
    return nullptr;
  } catch (const std::exception& e) {
    const std::string text = e.what(), kind = "\nRuntimeError: ";
    auto from = text.find(kind);
    if (text.find("TorchScript interpreter") == std::string::npos || from == std::string::npos) return message();
    from += kind.size();
    return strdup(text.substr(from, text.find('\n', from) - from).c_str());
  }
}

}  // namespace icl
