"""check_launch.py FILES RUN DATA_PARALLEL: torchrun starts the program RUN and the example in two processes.

The result must equal, to the bit, that of processes that the program starts itself, and that of a job whose rank was
killed and that was started again. Up to the rounding of float32 it must equal that of one process."""

import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import time

import numpy
import safetensors.numpy
import torch

from common import Table

root, run, example = pathlib.Path(sys.argv[1]) / torch.__version__, *sys.argv[2:]
torchrun = pathlib.Path(sys.executable).parent / "torchrun"
root.mkdir(parents=True)
t = Table("launch")
flags = (
    "--preset cpu --count 64 --batch-size 16 --epochs 6 --width 0.125 --hidden 32 --dim 16 --size 16 "
    "--warmup 0 --msr --msr-width 0.25 --optimizer sgd --lr 0.005 --threads 1 --workers 1 --dist-timeout "
    "60s --save-every 1"
).split()


def port():
    """A free port for which port+1000, that of the job's store, is free, too."""
    while True:
        with socket.socket() as a, socket.socket() as b:
            a.bind(("127.0.0.1", 0))
            p = a.getsockname()[1]
            try:
                b.bind(("127.0.0.1", p + 1000))
                return p
            except (OSError, OverflowError):
                continue


def job(*args):
    """Starts two processes of a program by torchrun and kills them at the end."""
    log = open(root / "torchrun.log", "a")
    return subprocess.Popen(
        [torchrun, "--no-python", "--nproc-per-node", "2", *args],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=log,
        text=True,
    )


def pretrain(name, *more):
    return ["pretrain", *flags, "--out", str(root / name), *more]


def done(process, seconds=300):
    try:
        out, _ = process.communicate(timeout=seconds)
    finally:
        process.kill()
    if process.returncode:
        raise RuntimeError(f"status {process.returncode}, see {root}/torchrun.log")
    return out or ""


def last(name):
    return root / name / "checkpoints" / "last.safetensors"


def tensors(name):
    return safetensors.numpy.load_file(last(name))


def bits(what, f, want):
    """Adds a row for two results that must be the same to the bit."""
    try:
        got, want = f(), tensors(want)
        if got.keys() != want.keys():
            return t.fail(what, "other tensors")
        t.row(
            what,
            f"{sum(got[k].tobytes() != want[k].tobytes() for k in want):4d} differ",
            0,
            all(got[k].tobytes() == want[k].tobytes() for k in want),
        )
    except Exception as e:
        t.fail(what, " ".join(f"{type(e).__name__}: {e}".split())[:300])


def early(name, prefixes):
    """Parameters and statistics after two epochs. In each later epoch the rounding of float32 grows tenfold."""
    state = safetensors.numpy.load_file(last(name).with_name("epoch-0002.safetensors"))
    return numpy.concatenate([state[k].astype(numpy.float64).ravel() for k in sorted(state) if k.startswith(prefixes)])


def rank(n, attempt):
    """The process ID of rank n in an attempt of a job, or 0."""
    for p in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            environ = (p / "environ").read_bytes().split(b"\0")
            args = (p / "cmdline").read_bytes()
        except OSError:
            continue
        if (
            str(root).encode() in args
            and f"RANK={n}".encode() in environ
            and f"TORCHELASTIC_RESTART_COUNT={attempt}".encode() in environ
        ):
            return int(p.name)
    return 0


def killed():
    """Runs a job whose rank 1 is killed after its first steps. The job resumes."""
    p = job("--max-restarts", "1", "--standalone", run, *pretrain("killed", "--save-after", "1ns"))
    until = time.monotonic() + 120
    while not (last("killed").exists() and (victim := rank(1, 0))):
        if p.poll() is not None or time.monotonic() > until:
            p.kill()
            raise RuntimeError("the job ended, or did not begin, before a rank was killed")
        time.sleep(0.01)
    os.kill(victim, signal.SIGKILL)
    done(p)
    if "resumed at epoch" not in (root / "torchrun.log").read_text():
        raise RuntimeError("the job did not resume from a checkpoint")
    return tensors("killed")


def by_torchrun():
    done(job("--master-port", str(port()), run, *pretrain("torchrun")))
    return tensors("torchrun")


def losses(text):
    return [float(x) for x in re.findall(r"(?:loss|objective): (\S+)", text)]


def example_losses():
    return losses(done(job("--master-port", str(port()), example, "-epochs", "1", "-pictures", "64")))


subprocess.run([run, *pretrain("one")], check=True, capture_output=True)
subprocess.run([run, *pretrain("spawned", "--nproc-per-node", "2")], check=True, capture_output=True)
bits("torchrun, 2 processes, against --nproc-per-node 2", by_torchrun, "spawned")
# The rounding of float32 grows with every step, and most if it moves a ReLU's input over zero. The limits come from one
# process with 1 and with 2 threads, which sums in another order.
subprocess.run([run, *pretrain("threads", "--threads", "2")], check=True, capture_output=True)
for what, prefixes, least in ("backbone and projector", ("backbone.", "projector."), 1e-5), (
    "f_msr, by Adam",
    ("msr.",),
    1e-3,
):
    one, threads = early("one", prefixes), early("threads", prefixes)
    limit = max(least, 10 * abs(one - threads).max() / abs(one).max())
    t.attempt(f"2 processes against one, 8 + 8 steps: {what}", lambda: early("torchrun", prefixes), one, limit)
bits("a rank killed, started again by --max-restarts 1", killed, "spawned")
alone = subprocess.run([example, "-epochs", "1", "-pictures", "64"], check=True, capture_output=True, text=True).stdout
t.attempt("examples/data_parallel, 2 processes against one", example_losses, losses(alone), 1e-3)
t.end()
