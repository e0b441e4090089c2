"""check_export.py FILES: compares every export with torchvision's network in this PyTorch, and that network with this
program's own evaluation."""

import pathlib
import sys

import numpy
import safetensors.torch
import torch
from torch import nn

from common import ARCHES, Table, backbone, normalised, pictures

try:
    import onnxruntime
except ImportError:
    onnxruntime = None

root = pathlib.Path(sys.argv[1])
t = Table("export")
torch.set_grad_enabled(False)
x, levels = normalised(root / "pictures"), pictures(root / "pictures")


class Unit(nn.Module):
    def __init__(self, a, b):
        super().__init__()
        self.conv, self.bn = nn.Conv2d(a, b, 3, 2, 1, bias=False), nn.BatchNorm2d(b)

    def forward(self, x):
        return self.bn(self.conv(x)).relu()


class Weights(nn.Module):
    """f_msr, written from its published description."""

    def __init__(self, out, w=32, n=6):
        super().__init__()
        self.trunk = nn.Sequential(*(Unit(a, b) for a, b in ((3, w), (w, 2 * w), (2 * w, 4 * w), (4 * w, 8 * w))))
        self.out, self.n = nn.Linear(8 * w, out), n

    def forward(self, x):
        return self.out(self.trunk(x).mean((2, 3))).reshape(len(x), self.n, -1).sigmoid()


def dictionary(path):
    if path.suffix == ".pt":
        return torch.load(path, weights_only=True)
    return safetensors.torch.load_file(path)


def loaded(module, state):
    module.load_state_dict(state, strict=True)
    return module.eval()


def embedding(arch, state):
    hidden, dim = len(state["projector.0.bias"]), len(state["projector.3.bias"])
    head = nn.Sequential(
        nn.Linear(state["projector.0.weight"].shape[1], hidden),
        nn.BatchNorm1d(hidden),
        nn.ReLU(),
        nn.Linear(hidden, dim),
    )
    m = loaded(nn.ModuleDict({"backbone": backbone(arch), "projector": head}), state)
    return nn.Sequential(m["backbone"], m["projector"])


def weights(arch, state):
    shape = state["trunk.0.conv.weight"].shape
    return loaded(Weights(len(state["out.bias"]), w=shape[0]), state)


def names(module, like):
    a, b = set(module.state_dict()), set(like.state_dict())
    if a != b:
        raise AssertionError(f"names differ: {sorted(a ^ b)[:3]}")
    return module


def onnx(path, x):
    return onnxruntime.InferenceSession(str(path)).run(None, {"input": x.numpy()})[0]


for arch in ARCHES:
    at = root / arch
    want = loaded(backbone(arch), dictionary(at / "backbone.pt"))(x)
    t.attempt(f"{arch} pt, against this program's features", lambda: want, numpy.load(at / "test-full.npy"), 1e-5)
    t.attempt(
        f"{arch} pt --fc zeros, torchvision as it is",
        lambda: loaded(backbone(arch, fc=True), dictionary(at / "backbone-fc.pt"))(x) + 1,
        torch.ones(len(x), 1000),
        0,
    )
    t.attempt(
        f"{arch} safetensors", lambda: loaded(backbone(arch), dictionary(at / "backbone.safetensors"))(x), want, 0
    )
    t.attempt(
        f"{arch} safetensors --fc zeros",
        lambda: loaded(backbone(arch, fc=True), dictionary(at / "backbone-fc.safetensors"))(x) + 1,
        torch.ones(len(x), 1000),
        0,
    )
    t.attempt(
        f"{arch} torchscript --preprocess, pictures of any size",
        lambda: torch.cat([torch.jit.load(at / "backbone-pictures.ts")(p[None]) for p in levels]),
        want,
        1e-3,
    )
    nets = {"backbone": lambda arch, state: loaded(backbone(arch), state), "embedding": embedding, "weights": weights}
    for what, build in nets.items():
        m = build(arch, dictionary(at / f"{what}.pt"))
        t.attempt(
            f"{arch} {what}, safetensors", lambda: build(arch, dictionary(at / f"{what}.safetensors"))(x), m(x), 0
        )
        script = torch.jit.load(str(at / f"{what}.ts"))
        if set(script.state_dict()) != set(dictionary(at / f"{what}.pt")):
            t.fail(f"{arch} {what}, torchscript", "its state dict has other names")
        for n in (1, len(x)):
            t.attempt(f"{arch} {what}, torchscript, batch {n}", lambda: script(x[:n]), m(x[:n]), 1e-6)
            if onnxruntime:
                t.attempt(f"{arch} {what}, onnx, batch {n}", lambda: onnx(at / f"{what}.onnx", x[:n]), m(x[:n]), 1e-5)
    m, script = (
        loaded(backbone(arch), dictionary(at / "backbone.pt")).train(),
        torch.jit.load(str(at / "backbone.ts")).train(),
    )
    t.attempt(f"{arch} torchscript, training mode", lambda: script(x), m(x), 1e-6)
    t.attempt(
        f"{arch} torchscript, running variance after it",
        lambda: script.state_dict()["bn1.running_var"],
        m.bn1.running_var,
        1e-6,
    )
if not onnxruntime:
    print("(onnxruntime is not installed in this environment: onnx was not checked)")
t.end()
