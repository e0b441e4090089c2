"""Writes layouts.tar.gz: checkpoints as other programs lay them out, of a ResNet of
two stages whose tensors all share one number. Run with PyTorch 2.1."""

import argparse
import copy
import io
import pathlib
import tarfile

import torch
from torch import nn
from torchvision.models.resnet import BasicBlock, ResNet

HERE = pathlib.Path(__file__).parent
ONE = torch.zeros(1)


def resnet(fc=None):
    m = ResNet(BasicBlock, [1, 1, 1, 1])
    m.layer3, m.layer4 = nn.Identity(), nn.Identity()
    m.fc = fc or nn.Identity()
    return m


def mlp(n=2):
    return nn.Sequential(*[nn.Linear(4, 4) for _ in range(n)])


class Net(nn.Module):
    """A module of named parts."""

    def __init__(self, **parts):
        super().__init__()
        for name, part in parts.items():
            if isinstance(part, torch.Tensor):
                self.register_buffer(name, part)
            else:
                setattr(self, name, part)


def children(m, *without):
    return nn.Sequential(*[c for name, c in m.named_children() if name not in ("fc", "layer3", "layer4") + without])


def parallel(m):
    return Net(module=m)


def small(v):
    """The same state dict with tensors of one shared number."""
    if isinstance(v, nn.Module):
        v = v.state_dict()
    if isinstance(v, torch.Tensor):
        return ONE.to(v.dtype).expand(v.shape) if v.dtype == torch.float32 else torch.zeros_like(v)
    if isinstance(v, dict):
        return type(v)((k, small(x)) for k, x in v.items())
    return v


def shortcut(m):
    """lightly's and pytorch-cifar's names: shortcut for downsample, linear for fc."""
    return {k.replace("downsample", "shortcut").replace("fc.", "linear."): x for k, x in m.state_dict().items()}


def lightning(m):
    return {"epoch": 1, "pytorch-lightning_version": "2.0.0", "state_dict": m, "hyper_parameters": argparse.Namespace(a=1)}


def files():
    r = resnet
    yield "torchvision", r(nn.Linear(4, 2))
    yield "timm_dataparallel", {"state_dict": parallel(r(nn.Linear(4, 2))), "state_dict_ema": r(), "arch": "resnet18"}
    yield "moco_v2", {"epoch": 1, "arch": "x", "state_dict": parallel(Net(encoder_q=r(mlp()), encoder_k=r(mlp()), queue=torch.zeros(4, 2), queue_ptr=torch.zeros(1, dtype=torch.long)))}
    yield "moco_v3", {"state_dict": parallel(Net(base_encoder=r(mlp(3)), momentum_encoder=r(mlp(3)), predictor=mlp()))}
    yield "simsiam", {"state_dict": parallel(Net(encoder=r(mlp(3)), predictor=mlp()))}
    yield "simclr_sthalles", {"epoch": 1, "arch": "x", "state_dict": Net(backbone=r(mlp()))}
    yield "simclr_convnet", {"state_dict": Net(convnet=r(), projection=mlp())}
    yield "simclr_leftthomas", Net(f=children(r(), "maxpool"), g=mlp())
    yield "byol_lucidrains", byol()
    yield "byol_sthalles", {"online_network_state_dict": Net(encoder=children(r()), projetion=mlp()), "target_network_state_dict": Net(encoder=children(r()), projetion=mlp())}
    yield "swav", {"epoch": 1, "state_dict": parallel(Net(**dict(r().named_children()), projection_head=mlp(), prototypes=nn.Linear(2, 3, bias=False)))}
    yield "dino", {"student": parallel(Net(backbone=r(), head=mlp())), "teacher": Net(backbone=r(), head=mlp()), "epoch": 1, "args": argparse.Namespace(a=1)}
    yield "barlow_twins", {"epoch": 1, "model": parallel(Net(backbone=r(), projector=mlp(), bn=nn.BatchNorm1d(2)))}
    yield "solo_learn", lightning(Net(backbone=r(), momentum_backbone=r(), projector=mlp(), classifier=nn.Linear(2, 2)))
    yield "lightly", lightning(Net(backbone=children(r()), projection_head=Net(layers=mlp())))
    yield "lightly_generator", lightning(numbered_shortcut())
    yield "htdt", Net(model=parallel(r()), head=parallel(mlp()))
    yield "htdt_train", {"model": parallel(r()), "head_nce": None, "head_mse": mlp()}
    yield "vissl", {"classy_state_dict": {"base_model": {"model": {"trunk": Net(_feature_blocks=r()), "heads": mlp()}}}}
    yield "pytorch_cifar", {"net": {"module." + k: v for k, v in shortcut(r(nn.Linear(4, 2))).items()}, "acc": 1.0}
    yield "two_networks", Net(left=r(), right=r())
    yield "no_resnet", Net(features=nn.Conv2d(3, 4, 3), head=mlp())


def byol():
    net = r = resnet()
    return Net(net=net, online_encoder=Net(net=r, projector=mlp()), target_encoder=Net(net=copy.deepcopy(r), projector=mlp()), online_predictor=mlp())


def numbered_shortcut():
    """lightly's ResNetGenerator: its ResNet has neither ReLU nor max-pool as children."""
    m = Net(backbone=children(resnet(), "relu", "maxpool"), projection_head=Net(layers=mlp()))
    return {k.replace("downsample", "shortcut"): v for k, v in m.state_dict().items()}


with tarfile.open(HERE / "layouts.tar.gz", "w:gz") as t:
    for name, value in files():
        b = io.BytesIO()
        torch.save(small(value), b)
        info = tarfile.TarInfo(name + ".pt")
        info.size = b.tell()
        t.addfile(info, io.BytesIO(b.getvalue()))
