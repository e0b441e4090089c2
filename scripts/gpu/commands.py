"""Parts that check the commands of the program and the files that it writes."""

import json
import math
import os
import re
import shutil
import signal
import struct
import subprocess
import time
import zlib

from checks import EXACT, SMALL
from part import Failed, Unfinished


def safetensors(path):
    """The tensors of a file: {name: (type, shape, bytes)}."""
    with open(path, "rb") as f:
        n = struct.unpack("<Q", f.read(8))[0]
        head = json.loads(f.read(n))
        data = f.read()
    return {
        k: (v["dtype"], v["shape"], data[v["data_offsets"][0] : v["data_offsets"][1]])
        for k, v in head.items()
        if k != "__metadata__"
    }


def floats(tensor):
    kind, _, data = tensor
    code = {"F32": "f", "F64": "d", "I64": "q"}.get(kind)
    return struct.unpack(f"<{len(data) // struct.calcsize(code)}{code}", data) if code else ()


def distance(a, b):
    """The largest difference between the tensors of two files, relative to the largest entry of the network."""
    if a.keys() != b.keys():
        return math.inf
    most, scale = 0.0, 1e-300
    for k in a:
        if a[k][0] in ("F32", "F64") and not k.startswith("optimizer."):
            x, y = floats(a[k]), floats(b[k])
            scale = max(scale, max(map(abs, x), default=0))
            most = max(most, max((abs(u - v) if math.isfinite(v) else math.inf for u, v in zip(x, y)), default=0))
    return most / scale


def last(run):
    return os.path.join(run, "checkpoints", "last.safetensors")


def npy(path):
    """The rows of a float32 npy file."""
    with open(path, "rb") as f:
        data = f.read()
    n = struct.unpack("<H", data[8:10])[0]
    shape = [int(x) for x in re.search(rb"'shape': \((\d+), ?(\d+)\)", data[10 : 10 + n]).groups()]
    return shape, struct.unpack(f"<{shape[0] * shape[1]}f", data[10 + n :])


def draw_pictures(folder, count=24, size=32):
    """Pictures in two class folders, as PNG."""
    for i in range(count):
        to = os.path.join(folder, "train" if i % 3 else "test", "ab"[i % 2])
        os.makedirs(to, exist_ok=True)
        rows = b"".join(
            b"\0" + bytes((x * (i + 3) + y * (5 + 40 * (i % 2)) + 60 * c) % 256 for x in range(size) for c in range(3))
            for y in range(size)
        )
        chunk = (
            lambda kind, data: struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )
        with open(os.path.join(to, f"{i:03d}.png"), "wb") as f:
            f.write(
                b"\x89PNG\r\n\x1a\n"
                + chunk(b"IHDR", struct.pack(">IIBBBBB", size, size, 8, 2, 0, 0, 0))
                + chunk(b"IDAT", zlib.compress(rows))
                + chunk(b"IEND", b"")
            )


def fresh(p, name):
    folder = os.path.join(p.work, name)
    shutil.rmtree(folder, ignore_errors=True)
    return folder


def offers(p, command, flag):
    """Whether a command of the program has a flag."""
    return flag in p.run([p.place.program("run"), command, "--help"], at_most=60)[1]


def commands(p):
    """Runs every command on the device with drawn pictures."""
    run, pictures = fresh(p, "run"), fresh(p, "pictures")
    draw_pictures(pictures)
    p.must("pretrain --msr", *SMALL, "--msr", "--out", run, **EXACT)
    with open(os.path.join(run, "metrics.jsonl")) as f:
        losses = [json.loads(line)["l_to"] for line in f]
    p.check("its losses are numbers", len(losses) == 2 and all(map(math.isfinite, losses)), losses)
    scores = json.loads(p.must("eval", "eval", "--run", run, "--epochs", "20", "--neighbours", "5", "--json", **EXACT))[
        "scores"
    ]
    p.check(
        "its scores are shares",
        all(0 <= s["knn"] <= 1 and 0 <= s["linear"]["top1"] <= 1 for s in scores),
        f"k-NN {scores[0]['knn']:.3f}",
    )
    p.must("finetune", "finetune", "--run", run, "--epochs", "1", "--labels", "0.5", **EXACT)
    embeddings(p, run, pictures)
    exports(p, run)
    for what, flags in (
        ("--augment-on device", ["--augment-on", "device"]),
        ("--micro-batch 4", ["--micro-batch", "4"]),
        ("--checkpoint-activations", ["--checkpoint-activations"]),
        ("--meta-grad unrolled --msr-space feature", ["--meta-grad", "unrolled", "--msr-space", "feature"]),
        ("--method swav", ["--method", "swav"]),
        ("--method w_mse", ["--method", "w_mse"]),
    ):
        p.must(f"pretrain --msr {what}", *SMALL, "--msr", "--epochs", "1", *flags, "--out", fresh(p, "option"), **EXACT)


def embeddings(p, run, pictures):
    """Checks that the device's features equal the CPU's up to the rounding of float32."""
    mine, cpu = os.path.join(p.work, "device.npy"), os.path.join(p.work, "cpu.npy")
    for f in (mine, cpu):
        if os.path.exists(f):
            os.unlink(f)
    p.must("embed", "embed", "--run", run, "--out", mine, pictures, **EXACT)
    status, text = p.run([p.place.program("run"), "embed", "--run", run, "--out", cpu, pictures, "--device", "cpu"])
    if status != 0:
        return p.check("embed on the CPU", False, text.strip().splitlines()[-1])
    (shape, x), (_, y) = npy(cpu), npy(mine)
    far = max(abs(u - v) for u, v in zip(x, y)) / max(map(abs, x))
    return p.check(
        "its features are the CPU's",
        shape[0] == 24 and far < 1e-4,
        f"{shape[0]} x {shape[1]}, {far:.1e} apart, relative",
    )


CHECK_EXPORT = """
import sys, torch
state = torch.load(sys.argv[1], weights_only=True)
net = torch.jit.load(sys.argv[2], map_location=sys.argv[3]).eval()
x = torch.randint(0, 256, (4, 3, 16, 16), dtype=torch.uint8).to(sys.argv[3])
with torch.no_grad():
    y = net(x)
assert torch.isfinite(y).all() and len(y) == 4 and y.std() > 0, y
own = net.state_dict()
same = [k for k in state if k in own and torch.equal(state[k].cpu(), own[k].cpu())]
assert len(same) == len(state) > 10, (len(same), len(state))
print(len(state), "tensors,", list(y.shape))
"""


def exports(p, run):
    """Checks that torch reads the exported state dict and TorchScript module on the device."""
    pt, ts = os.path.join(p.work, "backbone.pt"), os.path.join(p.work, "backbone.ts")
    for f in (pt, ts):
        if os.path.exists(f):
            os.unlink(f)
    p.must("export to .pt", "export", "--run", run, "--out", pt)
    p.must("export to TorchScript", "export", "--run", run, "--preprocess", "--out", ts)
    import sys

    status, text = p.run([sys.executable, "-c", CHECK_EXPORT, pt, ts, p.device])
    p.check("torch runs both on the device", status == 0, (text.strip().splitlines() or [""])[-1])


def every_method(p):
    """Runs two steps of each method by the command, with and without MSR."""
    listed = p.run([p.place.program("run"), "methods"], at_most=60)[1]
    names = re.findall(r"^\s*(\w+)", listed, re.M)
    with open(os.path.join(p.place.scripts, "methods.txt")) as f:
        names = [n for n in f.read().split() if n in names]
    if len(names) < 20:
        raise Failed(f"`run methods` lists {len(names)} of the methods")
    before = {r["check"] for r in p.record["rows"]}
    for name in names:
        for msr in ([], ["--msr"]):
            what = " ".join(["pretrain --method", name, *msr])
            if what in before:
                continue
            if p.left() < 60:
                raise Unfinished(f"{len(p.record['rows'])} of {2 * len(names)} runs done")
            status, text = p.program(
                *SMALL, "--count", "32", "--epochs", "1", "--method", name, *msr, "--out", fresh(p, "run"), **EXACT
            )
            p.check(what, status == 0, "" if status == 0 else (text.strip().splitlines() or [f"status {status}"])[-1])


def resume(p):
    """Checks that a run that was killed by kill -9 and resumed equals one that was not."""
    more = ["--deterministic"] if offers(p, "pretrain", "--deterministic") else []
    whole, again, cut = fresh(p, "whole"), fresh(p, "again"), fresh(p, "cut")
    flags = [*SMALL, "--msr", *more]
    p.must("an uninterrupted run", *flags, "--out", whole)
    p.must("the same once more", *flags, "--out", again)
    killed = 0
    for kill in range(3):
        command = [
            p.place.program("run"),
            *flags,
            "--out",
            cut,
            "--save-after",
            "1ns",
            "--device",
            p.device,
            *(["--resume"] if kill else []),
        ]
        process = subprocess.Popen(
            command, env=p.place.environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        seen, until = None, time.monotonic() + min(120, max(10, p.left() / 4))
        while process.poll() is None and time.monotonic() < until:
            now = os.stat(last(cut)).st_mtime_ns if os.path.exists(last(cut)) else None
            if now is not None and seen is not None and now != seen:
                process.send_signal(signal.SIGKILL)  # it has saved since it started
                break
            seen = now if seen is None else seen
            time.sleep(0.002)
        process.kill()
        killed += process.wait() == -signal.SIGKILL
    p.check("it was killed while it trained", killed > 0, f"{killed} times by kill -9")
    p.must("it resumes", *flags, "--out", cut, "--resume")
    a, b, c = (safetensors(last(x)) for x in (whole, again, cut))
    repeats, same = a == b, a == c
    if more or not p.gpu:
        p.check(
            "a run repeats to the bit" + (" with --deterministic" if more else ""),
            repeats,
            f"{distance(a, b):.1e} apart, relative",
        )
        p.check("the resumed run is the uninterrupted one to the bit", same, f"{distance(a, c):.1e} apart, relative")
        return
    p.note(
        f"this program has no deterministic mode for GPUs: a repeated run is {distance(a, b):.1e} apart, the resumed"
        f" one {distance(a, c):.1e}"
    )
    p.check(
        "the resumed run is as near as a repeated one",
        distance(a, c) <= max(1e-3, 16 * distance(a, b)),
        f"{distance(a, c):.1e} apart, relative",
    )
