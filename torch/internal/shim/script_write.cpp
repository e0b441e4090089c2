// Makes TorchScript modules: a tree of modules that hold tensors, with code at its root.
#include "script.hpp"

#include <sstream>

using icl::guarded_script;
using icl::in;
using icl::module;

void icl::save(const torch::jit::Module& m, char** data, int64_t* size) {
  std::ostringstream text;
  m.save(text);
  const auto bytes = text.str();
  *size = (int64_t)bytes.size();
  *data = static_cast<char*>(std::malloc(bytes.size()));
  TORCH_CHECK(*data, "no memory for ", bytes.size(), " bytes");
  std::memcpy(*data, bytes.data(), bytes.size());
}

namespace {

torch::jit::Module make(const std::shared_ptr<torch::jit::CompilationUnit>& unit) {
  torch::jit::Module m(c10::QualifiedName("__torch__.icl_msr.Network"), unit, /*shouldMangle=*/true);
  if (!m.hasattr("training")) m.register_attribute("training", c10::BoolType::get(), false);
  return m;
}

}  // namespace

icl_error icl_script_new(icl_module* out) {
  return guarded_script([&] { *out = new torch::jit::Module(make(std::make_shared<torch::jit::CompilationUnit>())); });
}

icl_error icl_script_put(icl_module m, const char* name, icl_tensor t, int parameter) {
  return guarded_script([&] {
    auto at = module(m);
    std::string rest = name;
    for (size_t dot; (dot = rest.find('.')) != std::string::npos; rest = rest.substr(dot + 1)) {
      auto child = rest.substr(0, dot);
      if (!at.hasattr(child)) {
        auto made = make(at._ivalue()->compilation_unit());
        at.register_module(child, made);
      }
      at = at.attr(child).toModule();
    }
    TORCH_CHECK(!at.hasattr(rest), "two tensors named ", name);
    if (parameter)
      at.register_parameter(rest, in(t).detach().requires_grad_(true), false);
    else
      at.register_buffer(rest, in(t).detach());
  });
}

icl_error icl_script_define(icl_module m, const char* source) {
  return guarded_script([&] { module(m).define(source); });
}

icl_error icl_script_save(icl_module m, char** data, int64_t* size) {
  return guarded_script([&] {
    module(m).eval();
    icl::save(module(m), data, size);
  });
}
