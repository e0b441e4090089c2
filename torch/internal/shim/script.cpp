// TorchScript modules as functions of (parameters, buffers, input). The parameters of a module are slots of a tree of
// objects, and the code belongs to the types of the objects. So a copy of the tree with other tensors in its slots is
// the same network at other parameters: fast weights, leaves of a graph or duals. The code is not lowered: control
// flow, method calls and assignments to attributes work as in PyTorch.
#include "script.hpp"

#include <torch/csrc/jit/passes/inliner.h>
#include <torch/csrc/jit/runtime/graph_executor.h>
#include <torch/csrc/jit/serialization/import.h>

#include <sstream>
#include <unordered_map>

using icl::guarded_script;
using icl::handle;
using icl::in;
using icl::module;

namespace {

using Object = c10::ivalue::Object;
using ObjectPtr = c10::intrusive_ptr<Object>;

bool is_module(const c10::IValue& v) { return v.isObject() && v.toObjectRef().type()->is_module(); }

// A tensor of a module and the first name that it has.
struct Entry {
  std::string name;
  at::Tensor value;
  bool parameter;
};

// Each tensor once, in the order of torch.nn.Module: a module's own tensors before those of its children.
void collect(const Object& o, const std::string& prefix, std::unordered_map<const void*, bool>& seen,
             std::vector<Entry>& out) {
  if (!seen.emplace(&o, true).second) return;
  auto type = o.type();
  for (size_t i = 0; i < type->numAttributes(); i++) {
    const auto v = o.getSlot(i);
    if (v.isTensor() && v.toTensor().defined() && seen.emplace(v.toTensor().unsafeGetTensorImpl(), true).second)
      out.push_back({prefix + type->getAttributeName(i), v.toTensor(), type->is_parameter(i)});
  }
  for (size_t i = 0; i < type->numAttributes(); i++) {
    const auto v = o.getSlot(i);
    if (is_module(v)) collect(v.toObjectRef(), prefix + type->getAttributeName(i) + ".", seen, out);
  }
}

std::vector<Entry> entries(const torch::jit::Module& m, bool parameters) {
  std::unordered_map<const void*, bool> seen;
  std::vector<Entry> all, out;
  collect(*m._ivalue(), "", seen, all);
  for (auto& e : all)
    if (e.parameter == parameters) out.push_back(e);
  return out;
}

// A slot of an instance that holds a buffer. It is read after a run because the code may assign to it.
struct Slot {
  ObjectPtr object;
  size_t slot;
  at::Tensor given;
};

void place(std::unordered_map<const void*, at::Tensor>& map, const std::vector<Entry>& own, const icl_tensor* ts, int n,
           const char* what) {
  TORCH_CHECK(own.size() == (size_t)n, "the module has ", own.size(), " ", what, ", got ", n);
  for (int i = 0; i < n; i++) {
    TORCH_CHECK(in(ts[i]).sizes() == own[i].value.sizes(), own[i].name, " has the shape ", own[i].value.sizes(),
                ", got ", in(ts[i]).sizes());
    map.emplace(own[i].value.unsafeGetTensorImpl(), in(ts[i]));
  }
}

// A copy of a module's objects with other tensors in their slots.
struct Instance {
  std::unordered_map<const void*, at::Tensor> parameters, buffers;
  bool training;
  std::unordered_map<const Object*, ObjectPtr> copies;
  std::vector<Slot> slots;

  Instance(const torch::jit::Module& m, bool training, const icl_tensor* ps, int np, const icl_tensor* bs, int nb)
      : training(training) {
    place(parameters, entries(m, true), ps, np, "parameters");
    place(buffers, entries(m, false), bs, nb, "buffers");
  }

  ObjectPtr of(const Object& from) {
    auto known = copies.find(&from);
    if (known != copies.end()) return known->second;
    auto to = from.copy();
    copies.emplace(&from, to);
    auto type = from.type();
    for (size_t i = 0; i < type->numAttributes(); i++) {
      const auto v = from.getSlot(i);
      if (is_module(v)) {
        to->setSlot(i, of(v.toObjectRef()));
      } else if (v.isTensor() && v.toTensor().defined()) {
        const void* key = v.toTensor().unsafeGetTensorImpl();
        auto p = parameters.find(key), b = buffers.find(key);
        if (p != parameters.end()) to->setSlot(i, p->second);
        if (b != buffers.end()) {
          to->setSlot(i, b->second);
          slots.push_back({to, i, b->second});
        }
      } else if (v.isBool() && type->getAttributeName(i) == "training") {
        to->setSlot(i, training);
      }
    }
    return to;
  }
};

// Counts the batch norms for which the code itself chooses the statistics, as in modules made by torch.jit.trace.
void count(const torch::jit::Block* block, int* batch, int* running) {
  for (const auto* node : block->nodes()) {
    if (node->kind() == c10::Symbol::fromQualString("aten::batch_norm")) {
      auto fixed = torch::jit::toIValue(node->input(5));
      if (fixed && fixed->isBool()) ++*(fixed->toBool() ? batch : running);
    }
    for (const auto* inner : node->blocks()) count(inner, batch, running);
  }
}

char* join(const std::vector<Entry>& es) {
  std::string out;
  for (const auto& e : es) out += e.name + "\n";
  return strdup(out.c_str());
}

}  // namespace

icl_error icl_script_load(icl_module* out, const char* path, int device) {
  return guarded_script([&] {
    auto at = device < 0 ? at::Device(at::kCPU) : at::Device(at::kCUDA, device);
    auto m = torch::jit::load(path, at);
    for (auto e : m.named_parameters()) e.value.requires_grad_(false);
    *out = new torch::jit::Module(std::move(m));
  });
}

void icl_script_free(icl_module m) { delete static_cast<torch::jit::Module*>(m); }

icl_error icl_script_check(icl_module m, int* batch, int* running) {
  return guarded_script([&] {
    auto forward = module(m).find_method("forward");
    TORCH_CHECK(forward, "the module has no method forward");
    const auto& schema = forward->function().getSchema();
    const auto& args = schema.arguments();
    bool fits = args.size() >= 2 && args[1].type()->kind() == c10::TypeKind::TensorType &&
                schema.returns().size() == 1 && schema.returns()[0].type()->kind() == c10::TypeKind::TensorType;
    for (size_t i = 2; i < args.size(); i++) fits = fits && args[i].default_value().has_value();
    if (!fits) {
      std::ostringstream text;
      text << "forward(";
      for (size_t i = 1; i < args.size(); i++)
        text << (i > 1 ? ", " : "") << args[i].name() << ": " << args[i].type()->annotation_str();
      text << ") -> " << schema.returns()[0].type()->annotation_str() << ", want forward(x: Tensor) -> Tensor";
      TORCH_CHECK(false, text.str());
    }
    auto graph = forward->graph()->copy();
    torch::jit::Inline(*graph);
    *batch = *running = 0;
    count(graph->block(), batch, running);
  });
}

icl_error icl_script_names(icl_module m, char** parameters, char** buffers) {
  return guarded_script([&] {
    *parameters = join(entries(module(m), true));
    *buffers = join(entries(module(m), false));
  });
}

icl_error icl_script_tensors(icl_module m, icl_tensor* parameters, int np, icl_tensor* buffers, int nb) {
  return guarded_script([&] {
    auto ps = entries(module(m), true), bs = entries(module(m), false);
    TORCH_CHECK(ps.size() == (size_t)np && bs.size() == (size_t)nb, "the module's tensors have changed");
    for (int i = 0; i < np; i++) parameters[i] = handle(ps[i].value);
    for (int i = 0; i < nb; i++) buffers[i] = handle(bs[i].value);
  });
}

icl_error icl_script_run(icl_tensor* out, icl_module m, const icl_tensor* parameters, int np, const icl_tensor* buffers,
                         int nb, icl_tensor x, int batch, int update) {
  return guarded_script([&] {
    // TorchScript does not profile, fuse or differentiate. Each operation goes to LibTorch, which has exact derivatives
    // of all kinds.
    torch::jit::GraphOptimizerEnabledGuard plain(false);
    const auto& from = module(m);
    Instance copy(from, batch != 0, parameters, np, buffers, nb);
    if (!update)
      for (auto& b : copy.buffers) b.second = b.second.clone();
    torch::jit::Module at(copy.of(*from._ivalue()));
    auto y = at.forward({in(x)});
    TORCH_CHECK(y.isTensor(), "forward returned no tensor");
    if (update) {
      at::NoGradGuard off;
      for (auto& s : copy.slots) {
        auto now = s.object->getSlot(s.slot);
        if (now.isTensor() && !now.toTensor().is_same(s.given)) s.given.copy_(now.toTensor());
      }
    }
    *out = handle(y.toTensor());
  });
}

icl_error icl_script_write(icl_module m, const icl_tensor* parameters, int np, const icl_tensor* buffers, int nb,
                           char** data, int64_t* size) {
  return guarded_script([&] {
    const auto& from = module(m);
    Instance copy(from, false, parameters, np, buffers, nb);
    for (auto& p : copy.parameters) p.second = p.second.detach().requires_grad_(true);
    icl::save(torch::jit::Module(copy.of(*from._ivalue())), data, size);
  });
}
