// TorchScript modules as the C face holds them, and the messages of their
// interpreter.
#pragma once
#include <torch/csrc/jit/api/module.h>

#include <sstream>

#include "common.hpp"

namespace icl {

inline torch::jit::Module& module(icl_module m) {
  TORCH_CHECK(m != nullptr, "a module is missing");
  return *static_cast<torch::jit::Module*>(m);
}

// The interpreter's texts begin with a traceback of TorchScript; what went wrong
// is in their last line.
template <typename F>
icl_error guarded_script(F f) {
  try {
    f();
    return nullptr;
  } catch (const c10::Error&) {
    return message();
  } catch (const std::exception& e) {
    std::istringstream text(e.what());
    const std::string kind = "RuntimeError: ";
    std::string line, last;
    while (std::getline(text, line))
      if (line.find_first_not_of(" \n~<-") != std::string::npos) {
        last = line;
        if (line.rfind(kind, 0) == 0) {
          last = line.substr(kind.size());
          break;
        }
      }
    return strdup(last.c_str());
  }
}

}  // namespace icl
