"""Parts that measure speed. The program and PyTorch take turns on the same device."""

import json
import os
import selectors
import statistics
import subprocess
import sys

import checks
import commands
import peaks
from part import PART_SECONDS, Failed, Unfinished


class Side:
    """A worker process that does a step when asked."""

    def __init__(self, p, name, command, **env):
        self.p, self.name, self.seconds = p, name, []
        self.errors = open(os.path.join(p.work, name.replace(" ", "-") + ".txt"), "w+")
        self.process = subprocess.Popen(
            [str(c) for c in command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            text=True,
            bufsize=1,
            env=p.place.environment(**env),
            cwd=p.work,
        )

    def ask(self, word, at_most):
        """Returns the answer to a line. Without one it raises Failed with the worker's last message."""
        try:
            self.process.stdin.write(word + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass
        return self.answer(at_most)

    def answer(self, at_most):
        limit = min(at_most, self.p.left() - 5)
        with selectors.DefaultSelector() as s:
            s.register(self.process.stdout, selectors.EVENT_READ)
            line = self.process.stdout.readline() if limit > 0 and s.select(limit) else None
        if line is None:
            self.process.kill()
            raise Failed(f"no answer within {max(0, limit):.0f} s")
        if not line:
            self.process.wait()
            self.errors.seek(0)
            said = [x for x in self.errors.read().splitlines() if x.strip()]
            raise Failed(said[-1] if said else f"it ended with status {self.process.returncode}")
        return line

    def step(self, at_most=240):
        return float(self.ask("go", at_most))

    def peak(self):
        """Peak bytes of tensors on the device or host, or 0 if they are unknown."""
        self.process.stdin.close()
        return int(self.answer(60).split()[0])

    def end(self):
        self.process.kill()
        self.process.wait()


def ours(p, mode, method, arch, batch, size, **env):
    return Side(
        p, "ours " + mode, [p.place.program("compare"), mode, method, arch, batch, threads(p), p.device, size], **env
    )


def theirs(p, mode, method, arch, batch, size, variant, **env):
    return Side(
        p,
        variant,
        [
            sys.executable,
            os.path.join(p.place.scripts, "worker.py"),
            mode,
            method,
            arch,
            batch,
            threads(p),
            p.device,
            size,
            variant,
        ],
        **env,
    )


def threads(p):
    return min(8, os.cpu_count() or 1)


def started(p, make, what):
    """Starts a side and does its first steps. Returns None if it fails, and notes the reason."""
    side = make()
    try:
        for _ in range(1 if p.quick and not p.gpu else 3):
            side.step(300)
        return side
    except (Failed, ValueError) as e:
        side.end()
        p.note(f"{what}: {side.name} was left out: {e}")
        return None


def turns(p, sides, rounds):
    """Times the sides in turn while there is time."""
    for k in range(rounds):
        if k >= 3 and p.left() < 20 + 3 * sum(s.seconds[-1] for s in sides):
            break
        for s in list(sides):
            try:
                s.seconds.append(s.step())
            except Failed as e:
                raise Failed(f"{s.name} stopped: {e}")
    return {s.name: statistics.median(s.seconds) for s in sides}


def measure(p, what, batch, tf32, makers):
    """Adds the rows of one step for all sides that start. makers maps a name to a function that makes the side."""
    env = {} if tf32 else checks.EXACT
    sides = {name: s for name, make in makers.items() for s in [started(p, lambda: make(env), what)] if s}
    if not any(n.startswith("this") for n in sides):
        raise Failed(f"{what}: this program's step did not run: see the notes")
    try:
        flop = count_flop(p, sides.get("PyTorch eager"))
        turns(p, list(sides.values()), 3 if p.quick and not p.gpu else 9 if p.quick else 21)
        eager = statistics.median(sides["PyTorch eager"].seconds) if "PyTorch eager" in sides else None
        for name, s in sides.items():
            t = statistics.median(s.seconds)
            memory = s.peak()
            p.row(
                "step",
                **{
                    "step": what,
                    "program": name,
                    "TF32": "as it comes" if tf32 else "off",
                    "ms": f"{1000 * t:.2f}",
                    "images/s": f"{batch / t:.0f}",
                    "peak MB": f"{memory / 2**20:.0f}" if memory else "",
                    "of peak FLOP/s": peaks.share(flop, t, p.card, tf32) if p.gpu else "",
                    "against eager": f"{t / eager:.3f}" if eager else "",
                    "seconds": s.seconds,
                    "flop": flop,
                },
            )
    finally:
        for s in sides.values():
            s.end()


def count_flop(p, side):
    """FLOP of both passes of a step by torch.utils.flop_counter, or 0 if it cannot count them."""
    if side is None:
        return 0
    try:
        return int(side.ask("flop", 120))
    except (Failed, ValueError) as e:
        p.note(f"the FLOP of a step were not counted: {e}")
        return 0


def sizes(p, arch, batch, size):
    """The sizes of the table on a GPU, or small ones in a rehearsal."""
    return (arch, batch, size) if p.gpu else ("resnet10", 8, 32)


def step(method, arch, batch, size, compiled=("compile",)):
    """A part: a method's step by this program, eager and compiled, with TF32 by default and off."""

    def run(p):
        a, n, side = sizes(p, arch, batch, size)
        makers = {
            "this program": lambda env: ours(p, "step", method, a, n, side, **env),
            "PyTorch eager": lambda env: theirs(p, "step", method, a, n, side, "eager", **env),
        }
        if p.gpu and not p.quick:
            makers["PyTorch eager, channels-last"] = lambda env: theirs(
                p, "step", method, a, n, side, "channels-last", **env
            )
        for variant in compiled if p.gpu or not p.quick else ():
            makers["torch.compile" + ("" if variant == "compile" else " " + variant)] = lambda env, v=variant: theirs(
                p, "step", method, a, n, side, v, **env
            )
        what = f"{method}, {a}, {side} pixels, batch {n}"
        for tf32 in (True, False) if p.gpu and not p.quick else (True,):
            if any(r.get("TF32") == ("as it comes" if tf32 else "off") for r in p.record["rows"]):
                continue
            if p.record["rows"] and p.left() < PART_SECONDS / 2:
                raise Unfinished("timed with TF32 by default; without TF32 is next")
            measure(p, what, n, tf32, makers)

    return run


def meta(p):
    """The meta step by each way and by PyTorch's create_graph, and the regular step with MSR."""
    a, n, side = sizes(p, "resnet18", 256 if p.gpu else 8, 32)
    makers = {
        f"this program, {way}": lambda env, way=way: ours(p, "meta-" + way, "simclr", a, n, side, **env)
        for way in ("forward-mode", "unrolled", "finite-difference")
    }
    makers["PyTorch eager"] = lambda env: theirs(p, "meta", "simclr", a, n, side, "eager", **env)
    measure(p, f"meta step of SimCLR, {a}, {side} pixels, batch {n}", n, True, makers)
    measure(
        p,
        f"regular step of SimCLR with MSR, {a}, {side} pixels, batch {n}",
        n,
        True,
        {
            "this program": lambda env: ours(p, "msr-step", "simclr", a, n, side, **env),
            "this program, without MSR": lambda env: ours(p, "step", "simclr", a, n, side, **env),
        },
    )


def data(p):
    """The share of an epoch that a run waits for pictures, with views made on the host and on the device."""
    found = p.place.cifar10()
    name, flags = (
        ("CIFAR-10", found[1])
        if found
        else ("drawn pictures", ["--dataset", "shapes", "--count", "20000" if p.gpu else "256"])
    )
    if not found:
        p.note("no CIFAR-10 in the bundle: drawn pictures")
    if not p.gpu:
        name, flags = "drawn pictures", "--dataset shapes --count 256 --arch resnet8 --width 0.25".split()
    for where in ("host", "device"):
        run = commands.fresh(p, where)
        p.must(
            f"pretrain on {name}, views made on the {where}",
            "pretrain",
            "--preset",
            "lightly-cifar10",
            *flags,
            "--epochs",
            "2",
            "--batch-size",
            "512" if p.gpu else "64",
            "--augment-on",
            where,
            "--out",
            run,
        )
        with open(os.path.join(run, "metrics.jsonl")) as f:
            e = [json.loads(line) for line in f][-1]
        p.row(
            "data",
            **{
                "run": f"SimCLR, {name}, views on the {where}",
                "images/s": f"{e['images_per_second']:.0f}",
                "share waited": f"{100 * e['data_wait_share']:.1f} %",
                "epoch s": f"{e['seconds_regular']:.1f}",
            },
        )
