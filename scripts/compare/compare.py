"""Times this program against PyTorch, eager and under torch.compile, in one run.

Each side is a separate process that does one piece of work when asked. The sides take turns. Medians, ratios and peak
memory are printed and written to compare.json. `make compare ARGS=...` builds this program's side and runs the script,
which makes the environment with PyTorch (scripts/torch_venv.py).
"""

import argparse
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
METHODS = (
    "simclr byol simsiam directpred moco infomin pcl cmc cpc ressl swav dcl dclw lmcl relic align_uniform "
    "barlow_twins vicreg w_mse ssl_hsic"
).split()
RANKS = 2
INSIDE = "ICLMSR_COMPARE_INSIDE"  # set if this Python has PyTorch

sys.path.insert(0, os.path.dirname(HERE))
import torch_venv  # noqa: E402


def photographs(folder):
    """JPEGs with the detail of photographs: smooth shapes, edges and some noise."""
    import numpy as np
    from PIL import Image, ImageFilter

    rng = np.random.default_rng(0)
    for k in range(8):
        m = Image.fromarray(rng.integers(0, 256, (12, 16, 3), dtype=np.uint8)).resize((500, 375), Image.BICUBIC)
        noise = Image.fromarray(rng.integers(0, 256, (375, 500, 3), dtype=np.uint8)).filter(ImageFilter.GaussianBlur(1))
        Image.blend(m, noise, 0.25).save(os.path.join(folder, f"{k}.jpg"), quality=90)


def measure(table, o, name, sides, target, na=()):
    """Adds a row with the medians of the sides. Returns the peak memory of each side in MB."""
    from sides import in_turn

    in_turn(sides, o.rounds)
    compiled = sides.get("compiled")
    table.beside(
        name,
        "s",
        {k: s.median() for k, s in sides.items()},
        target,
        compiled and compiled.compiling(),
        compiled and compiled.why,
        na,
    )
    return {k: s.peak() for k, s in sides.items()}


def data(table, o):
    """Augmentation, decoding and evaluation."""
    from sides import beside

    measure(table, o, "augmentation, 2000 CIFAR views, 1 thread", beside(o, "augment", 2000, 1), "<=0.25")
    with tempfile.TemporaryDirectory() as folder:
        photographs(folder)
        measure(table, o, "40 JPEGs of 500x375 to 2 views, 1 thread", beside(o, "pictures", 40, 1, folder), "<=0.5")
    measure(table, o, "linear probe, 5 epochs of 20000 x 512", beside(o, "probe", 20000, o.threads), "<=1")
    peaks = measure(table, o, "5 nearest of 20000 x 512, 2000 queries", beside(o, "knn", 20000, o.threads), "<=1")
    table.beside("  its peak memory", "MB", peaks)


def training(table, o):
    """SimCLR's step, its memory, and the meta step."""
    from sides import beside, in_turn, ours

    sides = beside(o, "step", o.batch, o.threads, step=True)
    start = {k: sides[k].first for k in ("ours", "eager")}
    peaks = measure(table, o, f"SimCLR step, ResNet-18, batch {o.batch}", sides, "<=1.05")
    table.beside("  its peak memory", "MB", peaks, "<=1.1")
    table.beside("  start of the program to a first step", "s", start)
    sides = beside(o, "meta", o.meta_batch, o.threads, way="meta-unrolled")
    name = f"meta step unrolled, batch {o.meta_batch}"
    peaks = measure(table, o, name, sides, "<=1.05", na=["compiled"])  # torch.compile has no double backward
    table.beside("  its peak memory", "MB", peaks, "<=1.1", na=["compiled"])
    plain = ours("step", o.meta_batch, o.threads)
    plain.once()
    small = plain.peak()
    two = {way: ours(f"meta-{way}", o.meta_batch, o.threads) for way in ("forward-mode", "unrolled")}
    in_turn(two, o.rounds)
    a, b = (side.median() for side in two.values())
    table.pair(f"meta step forward-mode, batch {o.meta_batch}, against our unrolled one", a, b, "s", "<=0.85")
    peak, _ = [side.peak() for side in two.values()]
    table.pair("its peak memory, against our plain step's", peak, small, "MB", "<=1.3")


def method_step(table, o, method):
    """A method's step, and the cost of MSR."""
    from sides import beside, in_turn, ours

    sides = beside(o, "step", o.method_batch, o.threads, method, "resnet10", step=True)
    measure(table, o, f"{method} step, ResNet-10, batch {o.method_batch}", sides, "<=1.05")
    ways = ("step", "msr-step", "meta-forward-mode")
    three = {way: ours(way, o.method_batch, o.threads, method, "resnet10") for way in ways}
    in_turn(three, max(3, o.rounds // 2))
    plain, msr, meta = (side.median() for side in three.values())
    for side in three.values():
        side.peak()
    table.beside("  with MSR, meta step on each batch", "s", {"ours": msr + meta})
    table.rows[-1]["ratio_plain"] = (msr + meta) / plain


class Parser(argparse.ArgumentParser):
    def error(self, message):
        """One line, and status 2."""
        self.exit(2, f"compare: {message}; --help lists all options\n")


FLAGS = {
    "--torch": dict(
        default="build",
        metavar="VERSION",
        help=(
            "the PyTorch to compare with: X.Y.Z, from 2.1.0 on, current, "
            "or the folder of an environment that has it (default: that of this program's LibTorch)"
        ),
    ),
    "--no-compile": dict(dest="compile", action="store_false", help="leave out torch.compile, which takes minutes"),
    "--compile-limit": dict(type=float, default=900, metavar="SECONDS", help="time to compile a step (default 900)"),
    "--channels-last": dict(action="store_true", help="a further column: eager, tensors in that memory format"),
    "--threads": dict(type=int, default=os.cpu_count(), metavar="N", help="of each side (default: all cores)"),
    "--rounds": dict(type=int, default=7, metavar="N", help="steps of each side whose median counts (default 7)"),
    "--batch": dict(type=int, default=64, metavar="N", help="pictures of the training step (default 64)"),
    "--meta-batch": dict(type=int, default=32, metavar="N", help="pictures of the meta step (default 32)"),
    "--method-batch": dict(type=int, default=32, metavar="N", help="pictures of each method's step (default 32)"),
    "--methods": dict(default=",".join(METHODS), metavar="A,B", help="whose step is timed (default: all; empty: none)"),
    "--out": dict(default="compare.json", metavar="FILE", help="where the figures go (default compare.json)"),
}
ONLY = {
    "--only-data": "decoding, augmentation and evaluation only",
    "--only-training": "SimCLR's step and the meta step only",
    "--only-methods": "the methods' steps only",
    "--only-ranks": f"{RANKS} processes against 1, and against DistributedDataParallel, only",
}


def options(args):
    p = Parser(prog="compare.py", description=__doc__.split("\n\n", maxsplit=1)[0])
    for flag, settings in FLAGS.items():
        p.add_argument(flag, **settings)
    only = p.add_mutually_exclusive_group()
    for flag, text in ONLY.items():
        only.add_argument(flag, action="store_true", help=text)
    o = p.parse_args(args)
    o.methods = [m for m in o.methods.split(",") if m]
    unknown = [m for m in o.methods if m not in METHODS]
    if unknown:
        p.error(f"--methods: unknown method {unknown[0]}; known: {', '.join(METHODS)}")
    for name in ("threads", "rounds", "batch", "meta_batch", "method_batch", "compile_limit"):
        if getattr(o, name) <= 0:
            p.error(f"--{name.replace('_', '-')} {getattr(o, name)}: want more than 0")
    if o.batch % RANKS:
        p.error(f"--batch {o.batch}: want one that divides by {RANKS}, the number of processes")
    return o


def run(o, libtorch):
    import ranks
    from table import Table

    table = Table(o, libtorch)
    every = not (o.only_data or o.only_training or o.only_methods or o.only_ranks)
    if every or o.only_data:
        data(table, o)
    if every or o.only_training:
        training(table, o)
    if every or o.only_methods:
        for method in o.methods:
            method_step(table, o, method)
    if every or o.only_ranks:
        ranks.measure(table, o)
    table.write(o.out)


def main():
    o = options(sys.argv[1:])
    try:
        libtorch = torch_venv.build_version()
        if os.environ.get(INSIDE):
            return run(o, libtorch)
        python = torch_venv.environment(o.torch)
    except torch_venv.Problem as e:
        print(f"compare: {e}", file=sys.stderr)
        return e.status
    if not os.access(python, os.X_OK):
        print(f"compare: --torch {o.torch}: no virtual environment there", file=sys.stderr)
        return 2
    return subprocess.call([python, os.path.abspath(__file__), *sys.argv[1:]], env={**os.environ, INSIDE: "1"})


if __name__ == "__main__":
    sys.exit(main())
