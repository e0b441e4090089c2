#!/usr/bin/env python3
"""Old against new recipes on a few CIFAR-10 pictures with a small network: docs/results.md has the plan.

Usage: scripts/recipes_trial.py PICTURES OUT

PICTURES has train/CLASS/*.jpg and test/CLASS/*.jpg. OUT gets the pictures taken, the runs, and table.md. The same
command takes what is done from OUT. One core, three seeds.
"""
import json
import pathlib
import shutil
import statistics
import subprocess
import sys

SEEDS = 3
# Barlow Twins' and VICReg's heads of 2048 would take nine tenths of the time beside this backbone.
NARROW = ["--hidden", "512", "--dim", "512"]
ARMS = [  # folder, methods, flags
    ("old", ["simclr", "byol", "barlow_twins", "vicreg"], []),
    ("new", ["simclr", "byol"], ["--method-defaults", "baseline"]),
    ("new-wide", ["barlow_twins", "vicreg"], ["--method-defaults", "baseline", *NARROW]),
]


def take(pictures, data):
    """Copies the first 80 training and 100 test pictures of each class."""
    for part, count in (("train", 80), ("test", 100)):
        for folder in sorted((pictures / part).iterdir()):
            to = data / part / folder.name
            to.mkdir(parents=True, exist_ok=True)
            for picture in sorted(folder.iterdir())[:count]:
                shutil.copyfile(picture, to / picture.name)


def train(data, out, name, methods, flags):
    root = pathlib.Path(__file__).resolve().parent.parent
    subprocess.run(
        [root / "bin/run", "compare", "--methods", ",".join(methods), "--msr", "off", "--seeds", str(SEEDS), "--dataset",
         "folder", "--data-dir", data, "--size", "16", "--arch", "resnet8", "--width", "0.25", "--epochs", "10",
         "--batch-size", "64", "--warmup", "12", "--drops", "5,2", "--probe-epochs", "100", "--threads", "1", "--workers",
         "1", "--out", out / name, *flags], check=True)


def accuracies(out, name, method):
    """Percent by the linear probe and by 5-NN, a pair for each seed."""
    pairs = []
    for seed in range(SEEDS):
        score = json.loads((out / name / f"{method}-seed{seed}" / "scores.json").read_text())[0]
        pairs.append((100 * score["linear"]["top1"], 100 * score["knn"]))
    return pairs


def spread(values, form="{:.1f} ± {:.1f}"):
    return form.format(statistics.mean(values), statistics.stdev(values))


def table(out):
    lines = ["| method | linear, old | new | difference | 5-NN, old | new | difference |", "|---|---|---|---|---|---|---|"]
    for name, methods, _ in ARMS[1:]:
        for method in methods:
            cells = [method]
            for k in range(2):
                old = [p[k] for p in accuracies(out, "old", method)]
                new = [p[k] for p in accuracies(out, name, method)]
                cells += [spread(old), spread(new), spread([b - a for a, b in zip(old, new)], "{:+.1f} ± {:.1f}")]
            lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    pictures, out = map(pathlib.Path, sys.argv[1:])
    take(pictures, out / "pictures")
    for name, methods, flags in ARMS:
        train(out / "pictures", out, name, methods, flags)
    (out / "table.md").write_text(table(out))
    print(table(out))


if __name__ == "__main__":
    main()
