"""Writes the files of torch.save that the tests read, and expected.json: what
PyTorch itself makes of them. Run with PyTorch 2.1; new.pt with a current one:

    python make.py            # all but new.pt
    python make.py --new      # new.pt
"""

import argparse
import json
import os
import pathlib
import sys
import types
from collections import OrderedDict

import torch

HERE = pathlib.Path(__file__).parent
SHORT = {torch.float64: "F64", torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16", torch.int64: "I64", torch.int32: "I32",
         torch.int16: "I16", torch.int8: "I8", torch.uint8: "U8", torch.bool: "BOOL"}


def all_kinds():
    torch.manual_seed(1)
    d = OrderedDict()
    for dtype, name in SHORT.items():
        d["dtype." + name] = (torch.arange(6).reshape(2, 3) - 2).to(dtype)
    base = torch.arange(24, dtype=torch.float32)
    d["shared.base"] = base
    d["shared.view"] = base[5:11]
    d["shared.reshaped"] = base[8:20].reshape(3, 4)
    d["strided.transposed"] = torch.arange(12, dtype=torch.float32).reshape(3, 4).t()
    d["strided.columns"] = torch.arange(20, dtype=torch.float32).reshape(4, 5)[:, 1::2]
    d["strided.channels_last"] = torch.arange(2 * 3 * 2 * 2, dtype=torch.float32).reshape(2, 3, 2, 2).contiguous(memory_format=torch.channels_last)
    d["expanded"] = torch.tensor([[1.5], [2.5]]).expand(2, 4)
    d["windows"] = torch.arange(6, dtype=torch.int32).as_strided((3, 4), (1, 1))
    d["scalar"] = torch.tensor(7.25)
    d["empty"] = torch.zeros(0, 3)
    d["parameter"] = torch.nn.Parameter(torch.tensor([0.5, -0.5]))
    return d


def tensors(d, path=""):
    return [{"group": path, "name": k, "dtype": SHORT[v.dtype], "shape": list(v.shape), "hex": bytes(v.detach().contiguous().view(-1).view(torch.uint8).numpy() if v.numel() else b"").hex()}
            for k, v in d.items() if isinstance(v, torch.Tensor) and v.dtype in SHORT]


class Evil:
    def __reduce__(self):
        return os.system, ("touch /tmp/this-must-not-be",)


def foreign(module, name):
    """A class of a package that is not installed, as Lightning's checkpoints name them."""
    made = type(name, (), {"__module__": module})
    parts = module.split(".")
    for n in range(1, len(parts) + 1):
        sys.modules.setdefault(".".join(parts[:n]), types.ModuleType(".".join(parts[:n])))
    setattr(sys.modules[module], name, made)
    return made


def lightning():
    checkpoint = foreign("pytorch_lightning.callbacks.model_checkpoint", "ModelCheckpoint")
    config = foreign("omegaconf.dictconfig", "DictConfig")
    c = config()
    c._content = {"lr": 0.3, "big": 1 << 70}
    return {"epoch": 3, "global_step": 12, "pytorch-lightning_version": "1.9.0", "state_dict": OrderedDict(weight=torch.tensor([1.0, 2.0])),
            "callbacks": {checkpoint: {"best": torch.tensor(0.5)}}, "hyper_parameters": {"args": argparse.Namespace(arch="resnet18"), "cfg": c},
            "optimizer_states": [{"state": {0: {"exp_avg": torch.zeros(2)}}, "param_groups": [{"lr": 0.1}]}], "loops": {"lambda": torch.nn.Linear}}


def module():
    torch.manual_seed(2)
    m = torch.nn.Sequential(OrderedDict(conv=torch.nn.Conv2d(1, 2, 2, bias=False), bn=torch.nn.BatchNorm2d(2)))
    return m


def save(name, value, **options):
    torch.save(value, HERE / name, **options)


def main():
    # Before 1.6 a module's source and its place are saved with it.
    torch.serialization.get_source_lines_and_file = lambda *_: (["class Source:\n", "    pass\n"], 1, "source.py")
    kinds = all_kinds()
    if "--new" in sys.argv:
        kinds["unknown"] = torch.zeros(2, dtype=torch.uint16)
        save("new.pt", kinds)
        return
    old = {"_use_new_zipfile_serialization": False}
    expected = {}
    for name, options in (("kinds.pt", {}), ("kinds_legacy.pt", old)):
        save(name, kinds, **options)
        expected[name] = tensors(kinds)
    expected["new.pt"] = tensors(kinds)
    l = lightning()
    for name, options in (("lightning.ckpt", {}), ("lightning_legacy.ckpt", old)):
        save(name, l, **options)
        expected[name] = tensors(l["state_dict"], "state_dict")
    m = module()
    for name, options in (("module.pt", {}), ("module_legacy.pt", old)):
        save(name, {"net": m}, **options)
        expected[name] = tensors(m.state_dict(), "net")
    torch.jit.script(m).save(HERE / "script.pt")
    expected["script.pt"] = tensors(m.state_dict())
    save("evil.pt", {"weight": torch.zeros(1), "x": Evil()})
    save("evil_legacy.pt", {"weight": torch.zeros(1), "x": Evil()}, **old)
    save("foreign.pt", {"weight": torch.zeros(1), "x": argparse.Namespace(a=1)})
    for name, options in (("sparse.pt", {}), ("sparse_legacy.pt", old)):
        save(name, {"sparse": torch.eye(2).to_sparse(), "complex": torch.zeros(2, dtype=torch.complex64), "dense": torch.ones(2)}, **options)
    save("tensor.pt", torch.zeros(1))
    save("list.pt", [1, 2])
    with open(HERE / "expected.json", "w") as f:
        json.dump(expected, f, separators=(",", ":"))
        f.write("\n")


main()
