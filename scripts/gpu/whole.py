"""Parts that train a whole run in slices of some minutes."""

import json
import os
import time

from part import Failed, Unfinished

PUBLISHED = "84.8 (lightly, best of all epochs)"
EVALUATE = 110  # seconds for the evaluation on a GPU


def epochs_done(run):
    path = os.path.join(run, "metrics.jsonl")
    if not os.path.exists(path):
        return []
    with open(path) as f:
        return [json.loads(line) for line in f]


def flags(p):
    """The flags of the data and the changes to the recipe in a short try, and a name for both."""
    found = p.place.cifar10()
    if not p.gpu:
        flags = "--dataset shapes --count 256 --arch resnet8 --width 0.25 --batch-size 64 --epochs 3".split()
        return flags, "drawn pictures, 3 epochs, a rehearsal"
    if not found:
        return ["--dataset", "shapes", "--count", "20000", "--epochs", "4"], "drawn pictures, 4 epochs"
    more = ["--epochs", "2"] if p.quick else []
    return found[1] + more, "CIFAR-10" + (", 2 epochs" if p.quick else "")


def whole(msr):
    """A part: lightly's recipe of SimCLR on CIFAR-10 with ResNet-18. Each call takes one slice of time."""

    def run(p):
        data, name = flags(p)
        if p.gpu and not p.place.cifar10():
            p.note(
                "no CIFAR-10 in the bundle (make gpu-bundle CIFAR10=PATH): drawn pictures, a few epochs; nothing to"
                " hold beside the published accuracy"
            )
        out = os.path.join(p.work, "run")
        on = ["--augment-on", "device"] if p.gpu else []
        go_on = ["--resume"] if os.path.exists(os.path.join(out, "config.yaml")) else []
        done = os.path.join(p.work, "trained")
        if not os.path.exists(done):
            began = time.monotonic()
            status, text = p.program(
                "pretrain",
                "--preset",
                "lightly-cifar10",
                *data,
                *on,
                *msr,
                "--out",
                out,
                *go_on,
                interrupt_after=max(20, p.left() - 40),
            )
            add(p, time.monotonic() - began)
            if status == 130:
                raise Unfinished(f"{len(epochs_done(out))} epochs done")
            if status != 0:
                raise Failed((text.strip().splitlines() or [f"status {status}"])[-1])
            open(done, "w").close()
        if p.gpu and p.left() < EVALUATE:
            raise Unfinished("trained; the evaluation is next")
        text = p.must(
            "eval",
            "eval",
            "--run",
            out,
            "--neighbours",
            "200",
            "--metric",
            "cosine",
            "--knn-temperature",
            "0.1",
            "--json",
            *(["--epochs", "20"] if p.quick else []),
        )
        score = json.loads(text[text.index("{") :])["scores"][0]
        e = epochs_done(out)
        comparable = p.gpu and p.place.cifar10() and not p.quick
        p.row(
            "run",
            **{
                "run": f"SimCLR{' with MSR' if msr else ''}, {name}",
                "epochs": len(e),
                "200-NN %": f"{100 * score['knn']:.1f}",
                "linear %": f"{100 * score['linear']['top1']:.1f}",
                "minutes": f"{add(p, 0) / 60:.1f}",
                "published 200-NN %": "none" if msr else PUBLISHED if comparable else "not comparable",
            },
        )
        p.row(
            "data",
            **{
                "run": f"SimCLR{' with MSR' if msr else ''}, {name}",
                "images/s": f"{e[-1]['images_per_second']:.0f}",
                "share waited": f"{100 * e[-1]['data_wait_share']:.1f} %",
                "epoch s": f"{e[-1]['seconds_regular'] + e[-1]['seconds_meta']:.1f}",
            },
        )

    return run


def add(p, seconds):
    """Seconds of training over all slices."""
    path = os.path.join(p.work, "seconds")
    total = seconds
    if os.path.exists(path):
        with open(path) as f:
            total += float(f.read())
    with open(path, "w") as f:
        f.write(str(total))
    return total
