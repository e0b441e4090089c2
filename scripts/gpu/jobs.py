"""Parts that train in several processes."""

import json
import os

import checks
import commands
from part import Failed, Skip


def train(p, what, run, *flags):
    p.must(what, *checks.SMALL, "--msr", *flags, "--out", run, **checks.EXACT)
    with open(os.path.join(run, "metrics.jsonl")) as f:
        return [json.loads(line) for line in f]


def compare(p, what, one, many):
    """Checks that the losses of the epochs agree up to what float32 allows after some steps of Adam. One process with
    1 thread and with 2 threads differ by 1.6e-3, two processes by 3.3e-3. Wrong statistics or negatives would change
    them by tenths."""
    far = max(
        abs(a[k] - b[k]) / max(1, abs(a[k]))
        for a, b in zip(one, many)
        for k in ("l_to", "l_ct", "meta_l_ct_fast", "l_uni")
    )
    p.check(what, len(one) == len(many) and far < 2e-2, f"losses {far:.1e} apart")


def group(p):
    """Checks that a process group of one process does the steps of a process without a group, for each backend."""
    checks.go_test(p, "meta", "^TestAGroupOfOneTrainsAsNone$")


def nccl(p):
    if not p.gpu:
        raise Skip("NCCL is between GPUs, and this is a rehearsal on the CPU")
    group(p)
    n = len(p.place.torch["gpus"])
    if n < 2:
        p.note("one GPU: NCCL ran with one process; more were not run")
        return
    one = train(p, "one process", commands.fresh(p, "one"))
    k = max(k for k in (2, 4, 8) if k <= n)
    status, text = p.run(
        [
            p.place.program("run"),
            *checks.SMALL,
            "--msr",
            "--nproc-per-node",
            str(k),
            "--device",
            "cuda",
            "--out",
            commands.fresh(p, "many"),
        ],
        **checks.EXACT,
    )
    p.check(
        f"{k} processes on {k} GPUs by NCCL",
        status == 0,
        "" if status == 0 else (text.strip().splitlines() or [f"status {status}"])[-1],
    )
    if status == 0:
        with open(os.path.join(p.work, "many", "metrics.jsonl")) as f:
            compare(p, "they train as one process", one, [json.loads(line) for line in f])


def gloo(p):
    """Trains with two processes that share the device."""
    if not p.gpu:
        group(p)
    one = train(p, "one process", commands.fresh(p, "one"))
    device = p.device if ":" in p.device or not p.gpu else p.device + ":0"
    run = commands.fresh(p, "two")
    status, text = p.run(
        [
            p.place.program("run"),
            *checks.SMALL,
            "--msr",
            "--nproc-per-node",
            "2",
            "--backend",
            "gloo",
            "--device",
            device,
            "--threads",
            "1",
            "--out",
            run,
        ],
        at_most=240,
        **checks.EXACT,
    )
    if not p.check(
        "2 processes on one device by Gloo", status == 0, "" if status == 0 else (text.strip().splitlines() or [""])[-1]
    ):
        raise Failed("the job of 2 processes did not end well")
    with open(os.path.join(run, "metrics.jsonl")) as f:
        compare(p, "they train as one process", one, [json.loads(line) for line in f])
    if p.gpu:
        status, text = p.run(
            [
                p.place.program("run"),
                *checks.SMALL,
                "--nproc-per-node",
                str(len(p.place.torch["gpus"]) + 1),
                "--device",
                "cuda",
                "--backend",
                "gloo",
                "--out",
                commands.fresh(p, "refused"),
            ],
            at_most=60,
        )
        said = (text.strip().splitlines() or [""])[-1]
        p.check(
            "more processes than GPUs are refused, with the way to share one",
            status == 2 and "cuda:0 --backend gloo" in said,
            said,
        )
