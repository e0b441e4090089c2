"""Networks, pictures and the table, which import and export share."""

import glob
import sys

import numpy
import torch
import torchvision
from PIL import Image
from torch import nn
from torchvision.transforms import functional as F

ARCHES = ("resnet18", "resnet50")


class Table:
    """Rows of (what, largest relative difference, limit)."""

    def __init__(self, title):
        print(f"\n{title}, torch {torch.__version__}, torchvision {torchvision.__version__}\n")
        print(f"{'what':64} {'difference':>11} {'limit':>8}")
        self.failed = 0

    def add(self, what, got, want, limit):
        got, want = (
            numpy.asarray(t.detach() if isinstance(t, torch.Tensor) else t, dtype=numpy.float64) for t in (got, want)
        )
        if got.shape != want.shape:
            return self.fail(what, f"shape {got.shape}, want {want.shape}")
        difference = abs(got - want).max() / abs(want).max()
        self.row(what, f"{difference:11.1e}", limit, difference <= limit)

    def row(self, what, difference, limit, good):
        print(f"{what:64} {difference} {limit:8.0e}{'' if good else '  TOO LARGE'}", flush=True)
        self.failed += not good

    def fail(self, what, why):
        print(f"{what:64} FAILED: {why}", flush=True)
        self.failed += 1

    def attempt(self, what, f, want, limit):
        """Adds a row with the difference of f(). If f raises an exception, the row fails."""
        try:
            self.add(what, f(), want, limit)
        except Exception as e:
            self.fail(what, " ".join(f"{type(e).__name__}: {e}".split())[:300])

    def end(self):
        sys.exit(self.failed > 0)


def files(folder):
    return sorted(glob.glob(f"{folder}/test/*/*.png"))


def pictures(folder):
    """uint8 [3, H, W] each."""
    return [torch.from_numpy(numpy.array(Image.open(f).convert("RGB"))).permute(2, 0, 1) for f in files(folder)]


def normalised(folder, resize=256, size=224):
    """[N, 3, size, size], by PIL and torchvision."""
    out = []
    for f in files(folder):
        p = F.center_crop(F.resize(Image.open(f).convert("RGB"), resize, F.InterpolationMode.BICUBIC), size)
        out.append(F.normalize(F.to_tensor(p), [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]))
    return torch.stack(out)


def backbone(arch, fc=False):
    m = getattr(torchvision.models, arch)()
    if not fc:
        m.fc = nn.Identity()
    return m.eval()
