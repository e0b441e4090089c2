"""Virtual environments with one version of PyTorch each, for runs on CPUs.

usage: torch_venv.py VERSION [PACKAGE...]

VERSION is X.Y.Z, `build` (the version in .libtorch/manifest), `current` (the newest), or the folder of an existing
environment. The script prints the environment's interpreter. Environments are in .venv-torch/X.Y.Z, or in
$TORCH_VENVS/X.Y.Z. It tries the interpreter PYTHON first, and then others.

pip resolves which torchvision, numpy and so on belong to this torch on this interpreter. Of the CUDA packages, only
those that libtorch_cpu needs are installed. scripts/cuda_stand_ins.py replaces the others (2 GB to download).
"""

import glob
import json
import os
import re
import shutil
import subprocess
import sys

import cuda_stand_ins

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PYTHONS = ["python3"] + [f"python3.{minor}" for minor in range(15, 7, -1)]
OLDEST = (2, 1)
CUDA = re.compile(r"(nvidia|cuda|triton|pytorch-triton)\b")
CUDA_NEEDED = re.compile(r"nvidia-cuda-(runtime|cupti)\b")  # by libtorch_cpu itself


class Problem(Exception):
    """An error of one line for the user, with the exit status."""

    def __init__(self, message, status=1):
        super().__init__(message)
        self.status = status


def say(text):
    print(f"torch_venv: {text}", file=sys.stderr, flush=True)


def numbers(version):
    return tuple(int(n) for n in re.findall(r"\d+", version.split("+")[0])[:3])


def build_version():
    """The version of LibTorch that this program was built against."""
    path = os.path.join(ROOT, ".libtorch", "manifest")
    try:
        with open(path) as f:
            return next(line for line in f if line.startswith("VERSION=")).strip()[len("VERSION="):].split("+")[0]
    except (OSError, StopIteration):
        raise Problem(f"{path} names no version of LibTorch: run 'make setup'") from None


def pip(python, *args):
    """Runs pip, and returns (status, its messages, its output)."""
    done = subprocess.run([python, "-m", "pip", "--disable-pip-version-check", *args], capture_output=True, text=True)
    return done.returncode, done.stderr, done.stdout


def last_line(text):
    lines = [line.replace("ERROR:", "").strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "it said nothing"


def make(folder, python):
    """A new environment with a pip that resolves requirements before it downloads packages."""
    shutil.rmtree(folder, ignore_errors=True)
    done = subprocess.run([python, "-m", "venv", folder], capture_output=True, text=True)
    if done.returncode:
        raise Problem(f"{python} cannot make virtual environments: install that part of it (Debian: python3-venv)")
    inside = os.path.join(folder, "bin", "python")
    pip(inside, "install", "--quiet", "--upgrade", "pip")  # an older pip works too, but downloads more
    return inside


def requirements(version):
    """The requirements for pip. Torch before 2.3 needs NumPy 1 and a module that newer setuptools lack."""
    more = ["numpy<2", "setuptools<70"] if numbers(version) < (2, 3) else ["numpy", "setuptools"]
    return [f"torch=={version}", "torchvision", "pillow", *more]


def resolve(python, version):
    """Returns {name: version} of all packages for this torch, or None if it has no wheel for this interpreter."""
    report = os.path.join(os.path.dirname(os.path.dirname(python)), "plan.json")
    status, messages, _ = pip(python, "install", "--dry-run", "--ignore-installed", "--quiet", "--report", report,
                              "--only-binary", "torch,torchvision", *requirements(version))
    if status == 0:
        with open(report) as f:
            found = [package["metadata"] for package in json.load(f)["install"]]
        return {m["name"].lower().replace("_", "-"): m["version"] for m in found}
    if f"No matching distribution found for torch=={version}" in messages:
        return None
    raise Problem(f"pip cannot tell what PyTorch {version} needs: {last_line(messages)}")


def released(python, *options):
    """Versions of torch that have a wheel, newest first."""
    status, messages, output = pip(python, "index", "versions", "torch", *options)
    listed = re.search(r"Available versions: (.*)", output)
    if listed:
        return listed[1].split(", ")
    if status and "No matching distribution" not in messages:
        raise Problem(f"pip cannot list PyTorch's versions: {last_line(messages)}")
    return []


def explain(python, version):
    """Why there is no wheel of this version for any interpreter here."""
    fits, known = [], set()
    for minor in range(8, 16):
        versions = released(python, "--python-version", f"3.{minor}", "--only-binary", ":all:")
        known.update(v for v in versions if numbers(v) >= OLDEST)
        if version in versions:
            fits.append(f"3.{minor}")
    if not fits:
        return f"no such version of PyTorch; there are {', '.join(sorted(known, key=numbers))}"
    return f"it has wheels for Python {', '.join(fits)}, none of which is here: set PYTHON to one of these"


def interpreters():
    """Interpreters in PATH, one for each version. $PYTHON comes first."""
    seen = set()
    for name in [os.environ.get("PYTHON") or sys.executable, *PYTHONS]:
        try:
            command = [name, "-c", "import sys; print(sys.version_info[:2])"]
            done = subprocess.run(command, capture_output=True, text=True)
        except OSError:
            continue
        if done.returncode == 0 and done.stdout not in seen:
            seen.add(done.stdout)
            yield name


def install(python, version, plan):
    """Installs the plan without the CUDA packages that a run on CPUs does not need."""
    left_out = [n for n in plan if CUDA.match(n) and not CUDA_NEEDED.match(n)]
    wanted = [f"{n}=={v}" for n, v in plan.items() if n not in left_out]
    say(f"installing PyTorch {version} and torchvision {plan['torchvision']} into {python[:-len('/bin/python')]}"
        " (up to 0.9 GB to download, 2 GB of disk)")
    status, messages, _ = pip(python, "install", "--quiet", "--no-deps", *wanted)
    if status:
        raise Problem(f"pip cannot install PyTorch {version}: {last_line(messages)}")
    problem = imports(python)
    if problem and left_out:
        problem = stand_in(python)
    if problem and left_out:
        say(f"{problem}: installing its CUDA packages, too (2 GB to download, 4 GB of disk)")
        status, messages, _ = pip(python, "install", "--quiet", "--no-deps", *(f"{n}=={plan[n]}" for n in left_out))
        problem = last_line(messages) if status else imports(python)
    if problem:
        raise Problem(f"PyTorch {version} does not start in {python}: {problem}")


def stand_in(python):
    """Writes stand-ins for the CUDA libraries. If torch then does not start, removes them and returns the reason."""
    package = glob.glob(f"{python[:-len('/bin/python')]}/lib/python*/site-packages/torch")[0]
    problem = cuda_stand_ins.write(package) or imports(python)
    if problem:
        cuda_stand_ins.remove(package)
    return problem


def imports(python):
    """The reason why this Python cannot import torch, or None."""
    done = subprocess.run([python, "-W", "ignore", "-c", "import torch, torchvision"], capture_output=True, text=True)
    return last_line(done.stderr) if done.returncode else None


def created(folder, version):
    """Makes the environment on the first interpreter that this torch has a wheel for."""
    tried = None
    for name in interpreters():
        tried = make(folder, name)
        plan = resolve(tried, version)
        if plan is not None:
            install(tried, version, plan)
            return
    reason = explain(tried, version) if tried else "there is no Python here that can make environments"
    shutil.rmtree(folder, ignore_errors=True)
    raise Problem(f"PyTorch {version}: {reason}", 2)


def newest():
    versions = released(os.environ.get("PYTHON") or sys.executable)
    if not versions:
        raise Problem("pip finds no version of PyTorch for this Python: name one with --torch")
    return versions[0]


def named(version):
    """Converts what the user wrote to X.Y.Z."""
    version = {"build": build_version, "current": newest}.get(version, lambda: version)()
    if not re.fullmatch(r"\d+\.\d+(\.\d+)?", version):
        raise Problem(f"PyTorch {version}: want a version such as 2.6.0, or the folder of a virtual environment", 2)
    if numbers(version) < OLDEST:
        raise Problem(f"PyTorch {version}: want 2.1.0 or newer", 2)
    return version if version.count(".") == 2 else version + ".0"


def environment(version, packages=()):
    """Returns the interpreter of an environment with this PyTorch and packages. Raises Problem."""
    if os.path.isdir(version):
        return os.path.join(os.path.abspath(version), "bin", "python")
    version = named(version)
    folder = os.path.join(os.environ.get("TORCH_VENVS") or os.path.join(ROOT, ".venv-torch"), version)
    python, ready = os.path.join(folder, "bin", "python"), os.path.join(folder, "ready")
    if not os.path.exists(ready):
        created(folder, version)
        open(ready, "w").close()
    with open(ready) as f:
        more = sorted(set(packages) - set(f.read().split()))
    if more:
        numpy = [r for r in requirements(version) if r.startswith("numpy")]
        status, messages, _ = pip(python, "install", "--quiet", *numpy, *more)
        if status:
            raise Problem(f"pip cannot install {' '.join(more)}: {last_line(messages)}")
        with open(ready, "a") as f:
            f.write("\n".join(more) + "\n")
    return python


if __name__ == "__main__":
    if len(sys.argv) < 2 or sys.argv[1].startswith("-"):
        print(__doc__.strip(), file=sys.stderr)
        sys.exit(2)
    try:
        print(environment(sys.argv[1], sys.argv[2:]))
    except Problem as e:
        say(e)
        sys.exit(e.status)
