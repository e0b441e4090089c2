"""PyTorch's side of compare.py: does one piece of work for each line that it reads and prints the seconds it took. At
the end of input it prints its peak memory in bytes.

usage: worker.py MODE METHOD ARCH BATCH THREADS eager|compiled|channels-last

For steps, `compiled` runs the networks and the loss under torch.compile, and `channels-last` keeps networks and
pictures in that memory format. If torch.compile fails, the line is "failed: " and a short reason.
"""

import glob
import logging
import os
import sys
import time

logging.getLogger("torch.utils.flop_counter").setLevel(
    logging.ERROR
)  # it warns that triton, which is for GPUs, is missing

import torch
import torch.nn.functional as F
from torch import nn
from torch.func import functional_call

import methods


def do_loss(z, a, tau=0.5):
    n = len(z) // 2
    z = F.normalize(z, dim=1)
    other = z.roll(n, 0)
    pos = (F.normalize(a.repeat(2, 1, 1) * other[:, None], dim=2) * z[:, None]).sum(2) / tau
    i = torch.arange(2 * n)
    mask = (i[:, None] % n) == (i[None] % n)
    neg = (z @ z.T / tau).masked_fill(mask, float("-inf")).logsumexp(1, keepdim=True)
    return -(F.logsigmoid(pos - neg).logsumexp(1) - torch.log(torch.tensor(float(a.shape[1])))).mean()


def uniformity(a, t=2.0):
    a = F.normalize(a, dim=2)
    g = 2 * t * (a @ a.transpose(1, 2)) - 2 * t
    eye = torch.eye(a.shape[1], dtype=torch.bool)
    return g.masked_fill(eye, float("-inf")).logsumexp((1, 2)).mean()


def augment(views):
    from PIL import Image
    from torchvision import transforms as T

    picture = Image.frombytes("RGB", (32, 32), os.urandom(3 * 32 * 32))
    pipeline = T.Compose(
        [
            T.RandomApply([T.ColorJitter(0.4, 0.4, 0.4, 0.1)], p=0.8),
            T.RandomGrayscale(0.1),
            T.RandomResizedCrop(32, scale=(0.2, 1.0), ratio=(0.75, 4 / 3), interpolation=T.InterpolationMode.BICUBIC),
            T.RandomHorizontalFlip(),
            T.ToTensor(),
            T.Normalize((0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010)),
        ]
    )

    def run():
        for _ in range(views):
            pipeline(picture)

    return run


def pictures(folder, count):
    from PIL import Image
    from torchvision import transforms as T

    names = sorted(glob.glob(os.path.join(folder, "*.jpg")))
    pipeline = T.Compose(
        [
            T.RandomResizedCrop(224, scale=(0.08, 1.0), interpolation=T.InterpolationMode.BICUBIC),
            T.RandomApply([T.ColorJitter(0.8, 0.8, 0.8, 0.2)], p=0.8),
            T.RandomGrayscale(0.2),
            T.RandomHorizontalFlip(),
            T.RandomApply([T.GaussianBlur(23, (0.1, 2.0))], p=0.5),
            T.ToTensor(),
            T.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
        ]
    )

    def run():
        for i in range(count):
            with open(names[i % len(names)], "rb") as f:
                picture = Image.open(f).convert("RGB")
            for _ in range(2):
                pipeline(picture)

    return run


def probe(rows):
    x, y = torch.randn(rows, 512), torch.arange(rows) % 100

    def run():
        net = nn.Linear(512, 100)
        adam = torch.optim.Adam(net.parameters(), lr=1e-2, weight_decay=5e-6)
        for _ in range(5):
            for some in torch.randperm(rows).split(1000):
                loss = F.cross_entropy(net(x[some]), y[some])
                adam.zero_grad()
                loss.backward()
                adam.step()

    return run


def knn(rows):
    """cdist and topk in blocks, as in the baseline."""
    x, y = torch.randn(rows, 512), torch.arange(rows) % 100
    queries, answers = torch.randn(rows // 10, 512), torch.arange(rows // 10) % 100

    def run():
        right = 0
        for q, a in zip(queries.split(1000), answers.split(1000)):
            nearest = torch.cdist(q, x).topk(5, largest=False).indices
            right += (y[nearest].mode(1).values == a).sum().item()

    return run


def weights_network():
    trunk, width = [], 3
    for out in (32, 64, 128, 256):
        trunk += [nn.Conv2d(width, out, 3, 2, 1, bias=False), nn.BatchNorm2d(out, track_running_stats=False), nn.ReLU()]
        width = out
    return nn.Sequential(*trunk, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(256, 6 * 64))


def meta(arch, batch):
    """The meta step through the fast weights, by create_graph."""
    views, plain = torch.randn(2 * batch, 3, 32, 32), torch.randn(batch, 3, 32, 32)
    net, f_msr = nn.Sequential(methods.backbone(arch), methods.head(512)), weights_network()
    for m in net.modules():  # the meta stage leaves running statistics alone
        if isinstance(m, nn.modules.batchnorm._BatchNorm):
            m.track_running_stats, m.running_mean, m.running_var, m.num_batches_tracked = False, None, None, None
    adam = torch.optim.Adam(f_msr.parameters(), lr=1e-3)
    names = [n for n, _ in net.named_parameters()]

    def nt_xent(z):
        return methods.nt_xent(*z.chunk(2), 0.5)

    def run():
        theta = dict(net.named_parameters())
        a = f_msr(plain).view(batch, 6, 64).sigmoid()
        z = functional_call(net, theta, (views,))
        total = nt_xent(z) + do_loss(z, a)
        grads = torch.autograd.grad(total, [theta[n] for n in names], create_graph=True)
        fast = {n: theta[n] - 3e-3 * g for n, g in zip(names, grads)}
        objective = nt_xent(functional_call(net, fast, (views,))) + uniformity(a)
        for p, g in zip(f_msr.parameters(), torch.autograd.grad(objective, list(f_msr.parameters()))):
            p.grad = g
        adam.step()
        objective.item()

    return run


def compiled(step):
    """The step with its forward pass, and so its backward pass, under torch.compile. The first call fails if
    nothing was compiled."""
    step.objective, first = torch.compile(step.objective), [True]

    def run():
        step()
        if first:
            first.clear()
            from torch._dynamo.utils import counters

            if not counters["stats"]["unique_graphs"]:
                raise RuntimeError("nothing was compiled")

    return run


def reason(error):
    """A short reason why torch.compile failed."""
    text = f"{type(error).__name__}: {error}"
    known = {
        "InvalidCxxCompiler": "no C++ compiler",
        "No working C++ compiler": "no C++ compiler",
        "Python.h": "no Python.h",
        "CppCompileError": "C++ error",
        "not supported on Python": "Python too new",
    }
    return next((short for mark, short in known.items() if mark in text), " ".join(text.split())[:300])


def work(mode, method, arch, batch, way):
    if mode == "step":
        step = methods.step(method, arch, batch, channels_last=way == "channels-last")
        return compiled(step) if way == "compiled" else step
    calls = {
        "augment": lambda: augment(batch),
        "pictures": lambda: pictures(method, batch),
        "probe": lambda: probe(batch),
        "knn": lambda: knn(batch),
        "meta": lambda: meta(arch, batch),
    }
    return calls[mode]()


def main(mode, method, arch, batch, threads, way):
    torch.set_num_threads(int(threads))
    run = work(mode, method, arch, int(batch), way)
    for _ in sys.stdin:
        start = time.perf_counter()
        try:
            run()
        except Exception as e:
            if way != "compiled":
                raise
            print("failed:", reason(e), flush=True)
            os._exit(1)  # do not wait for the compiler's processes
        print(time.perf_counter() - start, flush=True)
    with open("/proc/self/status") as f:
        print(next(int(line.split()[1]) * 1024 for line in f if line.startswith("VmHWM:")), flush=True)


if __name__ == "__main__":
    if len(sys.argv) != 7:
        sys.exit("usage: worker.py MODE METHOD ARCH BATCH THREADS eager|compiled|channels-last; compare.py starts it")
    main(*sys.argv[1:])
