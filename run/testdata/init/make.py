"""Writes moco.pth, a checkpoint of MoCo's layout of a ResNet of three blocks with
four channels, in the format before 1.6 and in float64; pictures; and features.json,
what PyTorch makes of them. Run with PyTorch and torchvision."""

import json
import pathlib

import torch
from PIL import Image
from torch import nn
from torchvision import transforms as T
from torchvision.models.resnet import BasicBlock

HERE = pathlib.Path(__file__).parent


def down(a, b):
    return nn.Sequential(nn.Conv2d(a, b, 1, 2, bias=False), nn.BatchNorm2d(b))


class ResNet8(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 4, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(4)
        self.layer1 = nn.Sequential(BasicBlock(4, 4))
        self.layer2 = nn.Sequential(BasicBlock(4, 8, 2, down(4, 8)))
        self.layer3 = nn.Sequential(BasicBlock(8, 16, 2, down(8, 16)))
        self.fc = nn.Sequential(nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 8))

    def forward(self, x):
        x = torch.relu(self.bn1(self.conv1(x)))
        return self.layer3(self.layer2(self.layer1(x))).mean((2, 3))


torch.manual_seed(3)
q, k = ResNet8().double().eval(), ResNet8().double()
for m in q.modules():
    if isinstance(m, nn.BatchNorm2d):
        m.running_mean.normal_(0, 0.1), m.running_var.uniform_(0.5, 2)
state = {"module.encoder_q." + n: v for n, v in q.state_dict().items()} | {"module.encoder_k." + n: torch.zeros((), dtype=v.dtype).expand(v.shape) for n, v in k.state_dict().items()}
state |= {"module.queue": torch.zeros(8, 4), "module.queue_ptr": torch.zeros(1, dtype=torch.long)}
torch.save({"epoch": 1, "arch": "resnet8", "state_dict": state}, HERE / "moco.pth", _use_new_zipfile_serialization=False)

expected = {}
for name, size in (("a.png", (32, 32)), ("b.png", (40, 28)), ("c.png", (32, 32))):
    coarse = (torch.rand(4, 4, 3) * 255).to(torch.uint8).numpy()
    Image.fromarray(coarse).resize(size, Image.BICUBIC).save(HERE / name)
    x = T.Compose([T.Resize((32, 32), T.InterpolationMode.BICUBIC), T.ToTensor(), T.Normalize((0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010))])(Image.open(HERE / name))
    with torch.no_grad():
        expected[name] = q(x.double()[None])[0].tolist()
with open(HERE / "features.json", "w") as f:
    json.dump(expected, f)
    f.write("\n")
