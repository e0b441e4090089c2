"""Lists the wheels of LibTorch X.Y.Z with their hashes.

usage: list_wheels.py VERSION PLATFORM cpu|cuda|headers [--find-links DIR]

PLATFORM is linux-x86_64, linux-aarch64 or macos-arm64. The list on standard output is a pip requirements file. It has
torch and those of its requirements that the flavour needs. The flavour `headers` has only the packages with the headers
of CUDA and NCCL. scripts/wheels/ has such lists. libtorch.sh makes one for a version without a list there.

The environment variable PIP is the command that runs pip (default: that of this Python).
"""

import json
import os
import re
import subprocess
import sys
import tempfile

# The newest glibc that torch's wheels need. Older tags are accepted, too.
GLIBC = range(28, 4, -1)
LEGACY = ["manylinux2014", "manylinux2010", "manylinux1"]


def tags(platform):
    """Returns pip's --platform values for a platform."""
    if platform == "macos-arm64":
        return [f"macosx_{v}_0_arm64" for v in range(15, 10, -1)]
    machine = platform[len("linux-") :]
    legacy = LEGACY if machine == "x86_64" else LEGACY[:1]
    return [f"manylinux_2_{g}_{machine}" for g in GLIBC] + [f"{name}_{machine}" for name in legacy]


def selection(platform):
    """Returns pip's options that choose wheels of the platform for CPython 3.11."""
    options = ["--only-binary=:all:", "--python-version=311", "--implementation=cp"]
    options += [f"--abi={abi}" for abi in ("cp311", "abi3", "none")]
    return options + [f"--platform={tag}" for tag in tags(platform)]


def resolve(requirements, platform, links):
    """Returns what pip would install for each of the requirements alone, without downloading it whole."""
    pip = os.environ.get("PIP", f"{sys.executable} -m pip").split()
    command = pip + [
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--dry-run",
        "--ignore-installed",
        "--no-deps",
    ]
    with tempfile.TemporaryDirectory() as nowhere:  # pip wants a target for wheels of another platform
        command += ["--target", nowhere, "--report", "-", *links, *selection(platform), *requirements]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode:
        wanted = [line for line in done.stderr.splitlines() if line.startswith("ERROR:")]
        raise SystemExit((wanted or done.stderr.splitlines() or ["pip failed"])[-1])
    return json.loads(done.stdout)["install"]


def canonical(requirement):
    """Splits 'Name[a,b]==1.2.*; marker' into name, extras, version and marker."""
    text, _, marker = requirement.partition(";")
    m = re.match(r"\s*([A-Za-z0-9._-]+)\s*(?:\[([^\]]*)\])?\s*\(?\s*(?:==\s*([^,)\s]+))?", text)
    extras = {e.strip() for e in (m[2] or "").split(",") if e.strip()}
    return m[1].lower().replace("_", "-").replace(".", "-"), extras, m[3], marker


def needed(name, flavour):
    """Returns whether a package that torch requires is part of LibTorch."""
    if not name.startswith("nvidia-"):
        return False
    if flavour == "cuda":
        return True
    if flavour == "headers":
        return re.match(r"nvidia-(nccl|cuda-runtime|cublas|cusparse|cusolver)(-cu\d+)?$", name) is not None
    return re.match(r"nvidia-cuda-(runtime|cupti)(-cu\d+)?$", name) is not None


def headers(names, versions):
    """Returns the package with crt/host_config.h, which CUDA's headers include and torch does not require."""
    for name in names:
        m = re.match(r"nvidia-cuda-runtime(-cu12|-cu11)?$", name)
        if m:
            major_minor = ".".join(versions[name].split(".")[:2])
            return f"nvidia-cuda-{'nvcc' + m[1] if m[1] else 'crt'}=={major_minor}.*"
    return None


def pinned(requires, flavour, extras=None):
    """Yields (requirement, extras) of the required packages that belong to LibTorch or lead to some."""
    for requirement in requires:
        name, wanted, version, marker = canonical(requirement)
        extra = re.search(r"extra\s*==\s*['\"]([^'\"]+)", marker)
        if extra and extra[1] not in (extras or ()):
            continue
        if version and (name == "cuda-toolkit" or needed(name, flavour)):
            yield f"{name}=={version}", wanted


def listing(version, platform, flavour, links):
    """Returns the lines of the list."""
    found = resolve([f"torch=={version}"], platform, links)
    queue = list(pinned(found[0]["metadata"].get("requires_dist", []), flavour))
    if platform == "macos-arm64":
        queue = []
    wanted = []
    for requirement, extras in queue:
        if not requirement.startswith("cuda-toolkit=="):
            wanted.append(requirement)
            continue
        toolkit = resolve([requirement], platform, links)[0]
        wanted += [r for r, _ in pinned(toolkit["metadata"].get("requires_dist", []), flavour, extras)]
    if wanted:
        found += resolve(wanted, platform, links)
    if flavour == "headers":
        found = found[1:]
    if flavour != "cpu":
        versions = {canonical(i["metadata"]["name"])[0]: i["metadata"]["version"] for i in found}
        more = headers(list(versions), versions)
        if more:
            found += resolve([more], platform, links)
    lines = []
    for item in found:
        name, at = canonical(item["metadata"]["name"])[0], item["metadata"]["version"].partition("+")[0]
        digest = item["download_info"]["archive_info"]["hashes"]["sha256"]
        lines.append(f"{name}=={at} --hash=sha256:{digest}")
    return lines


def main():
    args = sys.argv[1:]
    links = []
    if "--find-links" in args:
        at = args.index("--find-links")
        links = ["--find-links", args[at + 1]]
        del args[at : at + 2]
    version, platform, flavour = args
    print("\n".join(listing(version, platform, flavour, links)))


if __name__ == "__main__":
    main()
