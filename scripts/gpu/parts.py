"""The parts of the report. Those that are most likely to fail come first."""

import bench
import checks
import commands
import jobs
import whole

# Name, whether it belongs to quick, function, description.
PARTS = [
    ("environment", True, checks.environment, "card, driver, versions; the program starts; a step on the device"),
    (
        "reference",
        True,
        checks.reference,
        "reference values of losses, networks, meta step and views, in float64 and float32",
    ),
    (
        "equal",
        True,
        checks.equality("simclr", "byol", "moco", "barlow_twins", "swav"),
        "5 methods against the CPU: two steps, without and with MSR, 3 meta gradients, both spaces, in parts",
    ),
    ("commands", True, commands.commands, "pretrain, eval, finetune, embed, export and their options"),
    ("resume", True, commands.resume, "kill -9 and resume; bit-equal in deterministic mode"),
    (
        "bench-simclr",
        True,
        bench.step("simclr", "resnet18", 512, 32),
        "SimCLR's step, ResNet-18 at batch 512, beside PyTorch",
    ),
    ("gloo", True, jobs.gloo, "two processes on one GPU"),
    ("nccl", True, jobs.nccl, "NCCL with one process, and with all GPUs"),
    ("bench-meta", True, bench.meta, "the meta step in its ways"),
    ("data", True, bench.data, "share of the time spent waiting for data"),
    ("whole-try", True, whole.whole([]), "a few epochs of the whole run"),
    ("bench-byol", False, bench.step("byol", "resnet18", 512, 32), "BYOL's step"),
    ("bench-barlow", False, bench.step("barlow_twins", "resnet18", 512, 32), "Barlow Twins' step"),
    (
        "bench-resnet50",
        False,
        bench.step("simclr", "resnet50", 256, 224),
        "SimCLR's step, ResNet-50 at 224 pixels and batch 256",
    ),
    (
        "bench-autotune",
        False,
        bench.step("simclr", "resnet18", 512, 32, ("max-autotune",)),
        "torch.compile's max-autotune",
    ),
    (
        "equal-2",
        False,
        checks.equality("simsiam", "directpred", "infomin", "pcl", "cmc", "ressl", "dcl", "dclw"),
        "8 methods against the CPU",
    ),
    (
        "equal-3",
        False,
        checks.equality("cpc", "lmcl", "relic", "align_uniform", "vicreg", "w_mse", "ssl_hsic"),
        "the other 7 methods against the CPU",
    ),
    ("methods", False, commands.every_method, "every method by the command"),
    ("whole-simclr", False, whole.whole([]), "SimCLR on CIFAR-10, 200 epochs"),
    ("whole-msr", False, whole.whole(["--msr"]), "the same with MSR"),
]


def of(mode):
    """Names of the parts of a mode, in order. full leaves out whole-try, which whole-simclr includes."""
    return [n for n, quick, _, _ in PARTS if (quick if mode == "quick" else n != "whole-try")]


def find(name):
    return next((part for part in PARTS if part[0] == name), None)
