// TorchScript modules behind handles, and the messages of the TorchScript interpreter.
#pragma once
#include <torch/csrc/jit/api/module.h>

#include "common.hpp"

namespace icl {

inline torch::jit::Module& module(icl_module m) {
  TORCH_CHECK(m != nullptr, "a module is missing");
  return *static_cast<torch::jit::Module*>(m);
}

// Writes the archive of a module to memory that the caller frees with free.
void save(const torch::jit::Module& m, char** data, int64_t* size);

// guarded for the interpreter, whose messages are a traceback followed by the kind and the text of the error. Only that
// text is kept.
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
