"""Lays out the libraries and headers of LibTorch's wheels.

usage: unpack_wheels.py LIST WHEELS TARGET cpu|cuda|headers

LIST is a pip requirements file with hashes. The script takes each wheel of the list from the folder WHEELS and compares
its hash again. It unpacks what the flavour needs into TARGET/lib and TARGET/include and compares the size of each file.
All libraries are in one folder, since torch's libraries look for others in their own folder ($ORIGIN).
"""

import hashlib
import os
import re
import shutil
import sys
import zipfile

CPU_LIBRARY = re.compile(r"lib(torch_cpu|c10|gomp|cupti|cudart|openblas|gfortran|arm_compute)[^/]*\.(so|dylib)[.0-9]*$")
ANY_LIBRARY = re.compile(r"[^/]*\.(so|dylib)[.0-9]*$")
NOT_NEEDED = re.compile(r"libtorch_python")  # it needs a Python to load


def sha256(path):
    digest = hashlib.sha256()
    with open(path, "rb") as f:
        while block := f.read(1 << 22):
            digest.update(block)
    return digest.hexdigest()


def place(name, flavour):
    """Returns the path for a wheel's member, or None if it is not needed."""
    folder, base = os.path.split(name)
    if name.startswith("torch/include/"):
        return name[len("torch/") :]
    # Headers of CUDA and NCCL, which torch's headers include.
    headers = re.match(r"nvidia/[^/]*/(include/.*\.(h|hpp|hxx|inl|cuh))$", name)
    if headers and flavour != "cpu":
        return headers[1]
    if (
        flavour == "headers"
        or not re.match(r"torch/lib$|torch\.libs$|nvidia/[^/]*/lib$", folder)
        or NOT_NEEDED.match(base)
    ):
        return None
    wanted = CPU_LIBRARY if flavour == "cpu" else ANY_LIBRARY
    return "lib/" + base if wanted.match(base) else None


def unpack(wheel, target, flavour):
    with zipfile.ZipFile(wheel) as z:
        for info in z.infolist():
            to = None if info.is_dir() else place(info.filename, flavour)
            if to is None:
                continue
            path = os.path.join(target, to)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with z.open(info) as src, open(path, "wb") as dst:
                shutil.copyfileobj(src, dst, 1 << 22)
            if os.path.getsize(path) != info.file_size:
                raise OSError(f"{path}: {os.path.getsize(path)} bytes, want {info.file_size}")


def main():
    listing, wheels, target, flavour = sys.argv[1:]
    with open(listing) as f:
        wanted = set(re.findall(r"sha256:([0-9a-f]{64})", f.read()))
    found = set()
    for name in sorted(os.listdir(wheels)):
        path = os.path.join(wheels, name)
        if name.endswith(".whl") and (digest := sha256(path)) in wanted:
            unpack(path, target, flavour)
            found.add(digest)
    if found != wanted:
        sys.exit(f"{len(wanted - found)} of the wheels in {listing} are not in {wheels}")


if __name__ == "__main__":
    try:
        main()
    except (OSError, zipfile.BadZipFile) as e:
        sys.exit(str(e))
