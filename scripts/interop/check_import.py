"""check_import.py FILES RUN: writes checkpoints in the layouts of several projects, in each of PyTorch's formats and as
safetensors. Compares the features of this program (`run embed --init`) with those of torchvision's network."""

import pathlib
import subprocess
import sys

import numpy
import safetensors.torch
import torch
from torch import nn

from common import ARCHES, Table, backbone, files, normalised

root, run = pathlib.Path(sys.argv[1]), sys.argv[2]
t = Table("import")
torch.set_grad_enabled(False)
x = normalised(root / "pictures")


def random(arch):
    """A network with running statistics that differ from their initial values."""
    torch.manual_seed(3)
    m = backbone(arch, fc=True)
    for name, b in m.named_buffers():
        if name.endswith("mean"):
            b.normal_(0, 0.1)
        elif name.endswith("var"):
            b.uniform_(0.5, 2)
    return m


def numbered(state):
    """lightly's names: nn.Sequential(*list(resnet.children())[:-1])."""
    parts = {"conv1": "0", "bn1": "1", "layer1": "4", "layer2": "5", "layer3": "6", "layer4": "7"}
    return {f"{parts[k.split('.', 1)[0]]}.{k.split('.', 1)[1]}": v for k, v in state.items()}


def layouts(m):
    """The state dicts of these projects: (name, argument of torch.save)."""
    whole = m.state_dict()
    body = {k: v for k, v in whole.items() if not k.startswith("fc.")}
    under = lambda prefix, state=body: {prefix + k: v for k, v in state.items()}
    head = {"0.weight": torch.randn(8, 4), "0.bias": torch.randn(8)}
    momentum = {k: v * 0.5 if v.is_floating_point() else v for k, v in body.items()}
    lightning = {"pytorch-lightning_version": "1.9.5", "epoch": 3, "global_step": 99}
    yield "torchvision", whole
    yield "backbone alone", body
    yield "MoCo v1, v2", {
        "epoch": 200,
        "arch": "resnet",
        "state_dict": {
            **under("module.encoder_q."),
            **under("module.encoder_q.fc.", head),
            **under("module.encoder_k.", momentum),
            "module.queue": torch.randn(4, 8),
        },
        "optimizer": {"param_groups": [{"lr": 0.03}]},
    }
    yield "MoCo v3", {
        "epoch": 300,
        "state_dict": {
            **under("module.base_encoder."),
            **under("module.base_encoder.fc.", head),
            **under("module.momentum_encoder.", momentum),
        },
    }
    yield "SwAV", {
        **under("module."),
        "module.projection_head.0.weight": torch.randn(8, 4),
        "module.prototypes.weight": torch.randn(8, 4),
    }
    yield "SimSiam", {
        "epoch": 99,
        "state_dict": {
            **under("module.encoder."),
            **under("module.encoder.fc.", head),
            **under("module.predictor.", head),
        },
    }
    yield "Barlow Twins", {"epoch": 1000, "model": {**under("module.backbone."), **under("module.projector.", head)}}
    yield "DINO", {
        "student": {**under("module.backbone.", momentum), **under("module.head.", head)},
        "teacher": {**under("backbone."), **under("head.", head)},
        "epoch": 800,
    }
    yield "lightly", {
        **lightning,
        "state_dict": {**under("backbone.", numbered(body)), **under("projection_head.layers.", head)},
    }
    yield "solo-learn", {**lightning, "state_dict": {**under("backbone."), **under("projector.", head)}}
    yield "DataParallel", {"state_dict": under("module.", whole)}


def tensors(saved):
    """The dictionary of tensors in a checkpoint, which safetensors can hold."""
    inner = [
        v
        for v in saved.values()
        if isinstance(v, dict) and any(k.endswith("conv1.weight") or k.endswith(".0.weight") for k in v)
    ]
    state = inner[-1] if inner else saved
    return {k: v.clone() for k, v in state.items()}


def embed(arch, path):
    out = path.with_suffix(".npy")
    done = subprocess.run(
        [
            run,
            "embed",
            "--init",
            str(path),
            "--arch",
            arch,
            "--stem",
            "imagenet",
            "--augment",
            "imagenet",
            "--size",
            "224",
            "--format",
            "npy",
            "--force",
            "--out",
            str(out),
            *files(root / "pictures"),
        ],
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise RuntimeError(done.stderr.strip().splitlines()[-1])
    return numpy.load(out)


for arch in ARCHES:
    m = random(arch)
    m_fc, m.fc = m.fc, nn.Identity()
    want = m(x)
    m.fc = m_fc
    for name, saved in layouts(m):
        path = root / f"{arch}.pth"
        torch.save(saved, path)
        t.attempt(f"{arch} {name}, zip", lambda: embed(arch, path), want, 1e-5)
        torch.save(saved, path, _use_new_zipfile_serialization=False)
        t.attempt(f"{arch} {name}, legacy", lambda: embed(arch, path), want, 1e-5)
        path = root / f"{arch}.safetensors"
        safetensors.torch.save_file(tensors(saved), path)
        t.attempt(f"{arch} {name}, safetensors", lambda: embed(arch, path), want, 1e-5)
t.end()
