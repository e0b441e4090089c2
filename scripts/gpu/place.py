"""Finds the bundle's files and the installed torch, and makes the environment in which the programs find LibTorch."""

import glob
import json
import os
import subprocess
import sys
import tarfile

PROBE = """
import json, os, sys
import torch
gpus = []
why = ""
try:
    for i in range(torch.cuda.device_count()):
        p = torch.cuda.get_device_properties(i)
        gpus.append({"name": p.name, "memory": p.total_memory, "capability": "%d.%d" % (p.major, p.minor)})
    if gpus:
        torch.zeros(1, device="cuda").item()
except Exception as e:
    why = str(e).splitlines()[0]
print(json.dumps({"version": torch.__version__, "cuda": torch.version.cuda, "folder": os.path.dirname(torch.__file__),
    "abi": int(torch.compiled_with_cxx11_abi()), "gpus": gpus, "why": why,
    "arches": torch.cuda.get_arch_list() if torch.version.cuda else []}))
"""


class Refused(Exception):
    """An error of one line, before anything runs."""


def plain(version):
    """Returns 2.11.0 for 2.11.0+cu130."""
    return version.split("+")[0]


class Place:
    """The bundle that this file lies in."""

    def __init__(self):
        self.scripts = os.path.dirname(os.path.abspath(__file__))
        self.root = os.path.dirname(os.path.dirname(self.scripts))
        name = os.path.join(self.root, "bundle.json")
        if not os.path.exists(name):
            raise Refused(
                f"{name} is not there: run gpu-report.sh in the folder that `make gpu-bundle` made (bin/gpu), or in a"
                " copy of all of it"
            )
        with open(name) as f:
            self.bundle = json.load(f)
        self.torch = None

    def path(self, *parts):
        return os.path.join(self.root, *parts)

    def probe(self):
        """Finds the torch of this Python and refuses one for which the programs were not built."""
        p = subprocess.run([sys.executable, "-c", PROBE], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if p.returncode != 0:
            why = (p.stderr.strip().splitlines() or ["it ended without a word"])[-1]
            raise Refused(
                f"{sys.executable} cannot import torch ({why}): set PYTHON to the Python that has torch"
                f" {self.bundle['torch']}"
            )
        self.torch = json.loads(p.stdout.strip().splitlines()[-1])
        self.fits()
        return self.torch

    def fits(self):
        want, have = self.bundle["torch"], self.torch["version"]
        if plain(have) != want:
            raise Refused(
                f"this bundle was built for torch {want}, and {sys.executable} has {have}: set PYTHON to a Python with"
                f" torch {want}, or make the bundle again with TORCH={plain(have)}"
            )
        if self.bundle.get("abi") not in (None, self.torch["abi"]):
            raise Refused(
                f"this bundle was built for a torch {want} with the C++ ABI {self.bundle['abi']}, and this one has"
                f" {self.torch['abi']}: install torch from the same place, or make the bundle again with LIBTORCH="
            )

    def device_is_there(self, device):
        """Refuses a GPU that does not exist or that this bundle does not support."""
        if not device.startswith("cuda"):
            return
        if self.bundle["flavour"] != "cuda":
            raise Refused(
                "this bundle was made for CPUs only: make it with CUDA=1 make gpu-bundle, or rehearse with --device cpu"
            )
        if not self.torch["cuda"]:
            raise Refused(
                f"torch {self.torch['version']} of {sys.executable} is a build for CPUs: install one for CUDA, or"
                " rehearse with --device cpu"
            )
        index = int(device.partition(":")[2] or 0)
        if index >= len(self.torch["gpus"]) or self.torch["why"]:
            why = self.torch["why"] or f"torch sees {len(self.torch['gpus'])} of them"
            raise Refused(
                f"no GPU for --device {device} ({why}): run this on a machine with a GPU and a driver (nvidia-smi), or"
                " rehearse with --device cpu"
            )

    def unpack(self):
        """Unpacks the programs and the data once, beside the bundle."""
        for archive, marker in (
            ("programs.tar.xz", "programs"),
            ("cifar10.tar.xz", "data/cifar10"),
            ("cifar10.tar", "data/cifar10"),
        ):
            source, target = self.path(archive), self.path(marker)
            if not os.path.exists(source) or os.path.exists(target):
                continue
            half = target + ".partial"
            try:
                with tarfile.open(source) as t:
                    t.extractall(half, **({"filter": "data"} if hasattr(tarfile, "data_filter") else {}))
            except (tarfile.TarError, ImportError, OSError) as e:
                raise Refused(
                    f"{archive} cannot be unpacked beside it ({e}): copy the bundle again, to a folder that can be"
                    " written, and use a Python with lzma"
                )
            os.rename(half, target)

    def program(self, name):
        return self.path("programs", name)

    def cifar10(self):
        """The folder of CIFAR-10 and the flags that open it, or None."""
        root = self.path("data", "cifar10")
        for folder, dirs, files in os.walk(root):
            if "train" in dirs:
                return folder, ["--dataset", "folder", "--data-dir", folder]
            if "data_batch_1.bin" in files or "data_batch_1" in files:
                return folder, ["--dataset", "cifar10", "--data-dir", os.path.dirname(folder)]
        return None

    def environment(self, **more):
        """The environment of the programs. LD_LIBRARY_PATH has the libraries of torch and NVIDIA."""
        site = os.path.dirname(self.torch["folder"])
        folders = [os.path.join(self.torch["folder"], "lib")] + sorted(
            glob.glob(os.path.join(site, "nvidia", "*", "lib"))
        )
        env = dict(os.environ)
        old = env.get("LD_LIBRARY_PATH")
        env["LD_LIBRARY_PATH"] = ":".join(folders + ([old] if old else []))
        env.update({k: str(v) for k, v in more.items() if v is not None})
        return env
