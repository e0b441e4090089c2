"""Times this program against PyTorch eager, in turn in the same run.

usage: compare.py [--threads N] [--rounds N] [--only-data|--only-methods|--only-ranks]

Each side is a process of its own that does one piece of work when asked; the
two are asked in turn. Medians, their ratio and the peak memory of each go to
the screen and to compare.json. Run it by `make compare`.
"""

import argparse
import glob
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time

import ranks

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))


METHODS = "simclr byol simsiam directpred moco infomin pcl cmc cpc ressl swav dcl dclw lmcl relic align_uniform barlow_twins vicreg w_mse ssl_hsic".split()


def worker(mode, method, arch, batch, threads):
    import torch
    import torch.nn.functional as F
    from torch import nn
    from torch.func import functional_call

    import methods

    torch.set_num_threads(threads)

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

    def nt_xent(z):
        return methods.nt_xent(*z.chunk(2), 0.5)

    views, plain = torch.randn(2 * batch, 3, 32, 32), torch.randn(batch, 3, 32, 32)
    if mode == "augment":
        from PIL import Image
        from torchvision import transforms as T

        picture = Image.frombytes("RGB", (32, 32), os.urandom(3 * 32 * 32))
        pipeline = T.Compose([
            T.RandomApply([T.ColorJitter(0.4, 0.4, 0.4, 0.1)], p=0.8), T.RandomGrayscale(0.1),
            T.RandomResizedCrop(32, scale=(0.2, 1.0), ratio=(0.75, 4 / 3), interpolation=T.InterpolationMode.BICUBIC),
            T.RandomHorizontalFlip(), T.ToTensor(), T.Normalize((0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010)),
        ])

        def run():
            for _ in range(batch):
                pipeline(picture)
    elif mode in ("probe", "knn"):
        x, y = torch.randn(batch, 512), torch.arange(batch) % 100
        queries, answers = torch.randn(batch // 10, 512), torch.arange(batch // 10) % 100

        def probe():
            net = nn.Linear(512, 100)
            adam = torch.optim.Adam(net.parameters(), lr=1e-2, weight_decay=5e-6)
            for _ in range(5):
                for rows in torch.randperm(batch).split(1000):
                    loss = F.cross_entropy(net(x[rows]), y[rows])
                    adam.zero_grad()
                    loss.backward()
                    adam.step()

        def knn():  # as the baseline: cdist and topk, by blocks
            right = 0
            for q, a in zip(queries.split(1000), answers.split(1000)):
                nearest = torch.cdist(q, x).topk(5, largest=False).indices
                right += (y[nearest].mode(1).values == a).sum().item()

        run = probe if mode == "probe" else knn
    elif mode == "pictures":
        from PIL import Image
        from torchvision import transforms as T

        names = sorted(glob.glob(os.path.join(method, "*.jpg")))
        pipeline = T.Compose([
            T.RandomResizedCrop(224, scale=(0.08, 1.0), interpolation=T.InterpolationMode.BICUBIC),
            T.RandomApply([T.ColorJitter(0.8, 0.8, 0.8, 0.2)], p=0.8), T.RandomGrayscale(0.2), T.RandomHorizontalFlip(),
            T.RandomApply([T.GaussianBlur(23, (0.1, 2.0))], p=0.5), T.ToTensor(), T.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
        ])

        def run():
            for i in range(batch):
                with open(names[i % len(names)], "rb") as f:
                    picture = Image.open(f).convert("RGB")
                for _ in range(2):
                    pipeline(picture)
    elif mode == "step":
        run = methods.step(method, arch, batch)
    else:
        net = nn.Sequential(methods.backbone(arch), methods.head(512))
        for m in net.modules():  # the meta stage leaves running statistics alone
            if isinstance(m, nn.modules.batchnorm._BatchNorm):
                m.track_running_stats, m.running_mean, m.running_var, m.num_batches_tracked = False, None, None, None
        trunk, width = [], 3
        for out in (32, 64, 128, 256):
            trunk += [nn.Conv2d(width, out, 3, 2, 1, bias=False), nn.BatchNorm2d(out, track_running_stats=False), nn.ReLU()]
            width = out
        f_msr = nn.Sequential(*trunk, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(256, 6 * 64))
        adam = torch.optim.Adam(f_msr.parameters(), lr=1e-3)
        names = [n for n, _ in net.named_parameters()]

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

    for _ in sys.stdin:
        start = time.perf_counter()
        run()
        print(time.perf_counter() - start, flush=True)
    with open("/proc/self/status") as f:
        print(next(int(line.split()[1]) * 1024 for line in f if line.startswith("VmHWM:")), flush=True)


class Side:
    """One worker process."""

    def __init__(self, command):
        self.started = time.perf_counter()
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.seconds = []
        self.once()
        self.first = time.perf_counter() - self.started

    def once(self):
        self.process.stdin.write("go\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"compare: {self.process.args} ended early")
        return float(line)

    def peak(self):
        self.process.stdin.close()
        peak = int(self.process.stdout.readline())
        self.process.wait()
        return peak


def ours(mode, batch, threads, method="simclr", arch="resnet18"):
    return Side([os.path.join(ROOT, "bin", "compare"), mode, method, arch, str(batch), str(threads)])


def theirs(mode, batch, threads, method="simclr", arch="resnet18"):
    return Side([sys.executable, os.path.abspath(__file__), "--worker", mode, "--method", method, "--arch", arch, "--batch", str(batch), "--threads", str(threads)])


def pair(rows, name, a, b, rounds, target):
    for _ in range(rounds):
        a.seconds.append(a.once())
        b.seconds.append(b.once())
    x, y = statistics.median(a.seconds), statistics.median(b.seconds)
    add(rows, name, x, y, "s", target)
    return a.peak(), b.peak()


def add(rows, name, x, y, unit, target):
    rows.append({"name": name, "ours": x, "theirs": y, "unit": unit, "ratio": x / y, "target": target})
    print(f"{name:88s} {x:10.4f} {y:10.4f} {unit:4s} ratio {x / y:6.3f}   target {target}", flush=True)


def photographs(folder):
    """JPEGs with the detail of photographs: smooth shapes, edges and some noise."""
    import numpy as np
    from PIL import Image, ImageFilter

    rng = np.random.default_rng(0)
    for k in range(8):
        m = Image.fromarray(rng.integers(0, 256, (12, 16, 3), dtype=np.uint8)).resize((500, 375), Image.BICUBIC)
        noise = Image.fromarray(rng.integers(0, 256, (375, 500, 3), dtype=np.uint8)).filter(ImageFilter.GaussianBlur(1))
        Image.blend(m, noise, 0.25).save(os.path.join(folder, f"{k}.jpg"), quality=90)


def training(rows, o, mb):
    """SimCLR's step, its memory, and the meta step."""
    a, b = ours("augment", 2000, 1), theirs("augment", 2000, 1)
    pair(rows, "augmentation, 2000 CIFAR views, 1 thread", a, b, o.rounds, "<= 0.25")
    with tempfile.TemporaryDirectory() as folder:
        photographs(folder)
        a, b = ours("pictures", 40, 1, folder), theirs("pictures", 40, 1, folder)
        pair(rows, "40 JPEGs of 500x375 to two 224 views each, 1 thread", a, b, o.rounds, "<= 0.5")
    a, b = ours("probe", 20000, o.threads), theirs("probe", 20000, o.threads)
    pair(rows, "linear probe, 5 epochs of 20000 x 512 features", a, b, o.rounds, "<= 1")
    a, b = ours("knn", 20000, o.threads), theirs("knn", 20000, o.threads)
    found, torch_found = pair(rows, "5 nearest of 20000 x 512 features, 2000 queries", a, b, o.rounds, "<= 1")
    add(rows, "its peak memory", found / mb, torch_found / mb, "MB", "none")
    if o.only_data:
        return
    a, b = ours("step", o.batch, o.threads), theirs("step", o.batch, o.threads)
    start = a.first, b.first
    step, torch_step = pair(rows, f"SimCLR step, ResNet-18, batch {o.batch}", a, b, o.rounds, "<= 1.05")
    add(rows, "peak memory of the step", step / mb, torch_step / mb, "MB", "<= 1.1")
    add(rows, "start of the program to the end of its first step", start[0], start[1], "s", "none")
    plain = ours("step", o.meta_batch, o.threads)
    plain.once()
    small = plain.peak()
    a, b = ours("meta-unrolled", o.meta_batch, o.threads), theirs("meta", o.meta_batch, o.threads)
    unrolled, torch_meta = pair(rows, f"meta step unrolled, batch {o.meta_batch}, against create_graph", a, b, o.rounds, "<= 1.05")
    add(rows, "peak memory of the unrolled meta step", unrolled / mb, torch_meta / mb, "MB", "<= 1.1")
    a, b = ours("meta-forward-mode", o.meta_batch, o.threads), ours("meta-unrolled", o.meta_batch, o.threads)
    forward, _ = pair(rows, "meta step forward-mode against our unrolled", a, b, o.rounds, "<= 0.85")
    add(rows, "peak memory, forward-mode meta step against our plain step", forward / mb, small / mb, "MB", "<= 1.3")


def steps(rows, method, o):
    """A method's step against PyTorch's, and what MSR adds to it."""
    a, b = (side("step", o.method_batch, o.threads, method, "resnet10") for side in (ours, theirs))
    pair(rows, f"{method}: step, ResNet-10, batch {o.method_batch}", a, b, o.rounds, "<= 1.05")
    plain, msr, meta = (ours(mode, o.method_batch, o.threads, method, "resnet10") for mode in ("step", "msr-step", "meta-forward-mode"))
    for _ in range(max(3, o.rounds // 2)):
        for side in (plain, msr, meta):
            side.seconds.append(side.once())
    p, m, g = (statistics.median(side.seconds) for side in (plain, msr, meta))
    for side in (plain, msr, meta):
        side.peak()
    add(rows, f"{method}: an epoch with MSR, meta step on each batch, against one without", m + g, p, "s", "none")


def main():
    parser = argparse.ArgumentParser(description="times this program against PyTorch eager, in turn in the same run")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--batch", type=int, default=64, help="pictures of the training step")
    parser.add_argument("--meta-batch", type=int, default=32, help="pictures of the meta step")
    parser.add_argument("--method-batch", type=int, default=32, help="pictures of each method's step")
    parser.add_argument("--methods", default=",".join(METHODS), help="methods whose step is timed; empty: none")
    parser.add_argument("--only-data", action="store_true", help="time decoding, augmentation and evaluation only")
    parser.add_argument("--only-methods", action="store_true", help="leave the other figures out")
    parser.add_argument("--only-ranks", action="store_true", help="time 2 processes against 1, and against DistributedDataParallel, only")
    parser.add_argument("--out", default="compare.json")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    parser.add_argument("--method", help=argparse.SUPPRESS)
    parser.add_argument("--arch", help=argparse.SUPPRESS)
    o = parser.parse_args()
    if o.worker:
        return worker(o.worker, o.method, o.arch, o.batch, o.threads)
    unknown = [m for m in o.methods.split(",") if m and m not in METHODS]
    if unknown:
        sys.exit(f"compare: unknown method {unknown[0]}; known: {', '.join(METHODS)}")
    if o.batch % ranks.RANKS:
        sys.exit(f"compare: --batch {o.batch}: want one that divides by {ranks.RANKS}, the number of processes")
    rows, mb = [], 2.0**20
    print(f"{platform.machine()}, {os.cpu_count()} cores, {o.threads} threads, medians of {o.rounds} rounds; ours, theirs", flush=True)
    if not (o.only_methods or o.only_ranks):
        training(rows, o, mb)
    if not (o.only_methods or o.only_data):
        ranks.measure(rows, add, ours("step", o.batch, ranks.RANKS), o)
    for method in filter(None, [] if o.only_data or o.only_ranks else o.methods.split(",")):
        steps(rows, method, o)
    with open(o.out, "w") as f:
        json.dump(rows, f, indent=1)


if __name__ == "__main__":
    main()
