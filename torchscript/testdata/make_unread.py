"""Writes unread.tar.gz: state dicts of a ResNet of one stage in forms of numbers that
are not read, and under names of wrappers. Run with PyTorch 2.15 and safetensors."""

import io
import pathlib
import tarfile
import warnings

import torch
import torch.distributed as dist
from safetensors.torch import save as save_safetensors
from torch import nn
from torch.distributed.algorithms._checkpoint.checkpoint_wrapper import checkpoint_wrapper
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.tensor import Replicate, Shard, distribute_tensor
from torch.nn.utils import prune
from torchvision.models.resnet import BasicBlock, ResNet

HERE = pathlib.Path(__file__).parent
ONE = torch.zeros(1)
warnings.simplefilter("ignore")


def resnet():
    m = ResNet(BasicBlock, [1, 1, 1, 1])
    m.layer2, m.layer3, m.layer4, m.fc = nn.Identity(), nn.Identity(), nn.Identity(), nn.Identity()
    m.conv1 = nn.Conv2d(3, 4, 3, bias=False)
    m.bn1 = nn.BatchNorm2d(4)
    m.layer1 = nn.Sequential(BasicBlock(4, 4))
    return m


def floats(f):
    return {k: f(v) if v.is_floating_point() else v for k, v in resnet().state_dict().items()}


files = {}


def keep(name, value):
    b = io.BytesIO()
    torch.save(value, b)
    files[name + ".pt"] = b.getvalue()


fp8 = floats(lambda v: v.to(torch.float8_e4m3fn))
keep("fp8", fp8)
files["fp8.safetensors"] = save_safetensors(fp8)
files["uint16.safetensors"] = save_safetensors(floats(lambda v: v.to(torch.uint16)))
keep("quantised", floats(lambda v: torch.quantize_per_tensor(v, 0.1, 0, torch.qint8)))
keep("sparse", floats(lambda v: v.to_sparse()))
keep("complex", floats(lambda v: v.to(torch.complex64)))
dist.init_process_group("gloo", store=dist.HashStore(), rank=0, world_size=1)
mesh = init_device_mesh("cpu", (1,))
keep("dtensor", {"model": floats(lambda v: distribute_tensor(v, mesh, [Shard(0)]))})
m = resnet()
prune.l1_unstructured(m.conv1, "weight", 0.5)
keep("pruned", m.state_dict())
keep("flat", {"_fsdp_wrapped_module._flat_param": torch.zeros(4), "_fsdp_wrapped_module.layer1._fsdp_wrapped_module._flat_param": torch.zeros(4)})

# Wrappers in the middle of names, some of them by their own code.
m = resnet()
m.conv1 = torch.compile(m.conv1)
m.layer1[0] = checkpoint_wrapper(torch.compile(m.layer1[0]))
keep("wrapped", {"state_dict": {"module._orig_mod." + k: v for k, v in m.state_dict().items()}})
fsdp = {}
for k, v in resnet().state_dict().items():
    for part in ("layer1", "layer1.0", "bn1"):
        if k.startswith(part + "."):
            k = part + "._fsdp_wrapped_module." + k[len(part) + 1 :]
            break
    fsdp["_fsdp_wrapped_module." + k.replace("layer1._fsdp_wrapped_module.0.", "layer1.module.0.module.")] = v
keep("fsdp", fsdp)

with tarfile.open(HERE / "unread.tar.gz", "w:gz") as t:
    for name, data in files.items():
        info = tarfile.TarInfo(name)
        info.size = len(data)
        t.addfile(info, io.BytesIO(data))
