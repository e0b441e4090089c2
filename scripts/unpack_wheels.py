"""Lays out the libraries and headers of LibTorch's wheels.

usage: unpack_wheels.py LIST WHEELS TARGET cpu|cuda

LIST is a pip requirements file with hashes; each wheel of it is taken from the
folder WHEELS, its hash compared again, and what the flavour needs is unpacked
into TARGET/lib and TARGET/include, checked for size.
"""

import hashlib
import os
import re
import sys
import zipfile

CPU_LIBRARIES = re.compile(r"lib(torch_cpu|c10|gomp|omp|cupti|cudart|openblas|gfortran|arm_compute)[^/]*\.(so|dylib)[.0-9]*$")
ANY_LIBRARY = re.compile(r"[^/]*\.(so|dylib)[.0-9]*$")
NOT_NEEDED = re.compile(r"libtorch_python|libnvrtc-builtins.*alt|libnvfuser|triton")


def sha256(path):
    digest = hashlib.sha256()
    with open(path, "rb") as f:
        for block in iter(lambda: f.read(1 << 22), b""):
            digest.update(block)
    return digest.hexdigest()


def place(name, flavour):
    """Where a wheel's member goes, or None."""
    base = os.path.basename(name)
    if name.startswith("torch/include/"):
        return name[len("torch/"):]
    wanted = CPU_LIBRARIES if flavour == "cpu" else ANY_LIBRARY
    if not wanted.match(base) or NOT_NEEDED.search(base):
        return None
    if name.startswith("torch/lib/") or (name.startswith("nvidia/") and "/lib/" in name):
        return "lib/" + base
    if name.startswith("torch.libs/"):  # arm64's libraries look for these beside torch/
        return "torch.libs/" + base
    return None


def unpack(wheel, target, flavour):
    with zipfile.ZipFile(wheel) as z:
        for info in z.infolist():
            to = None if info.is_dir() else place(info.filename, flavour)
            if to is None:
                continue
            path = os.path.join(target, to)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with z.open(info) as src, open(path, "wb") as dst:
                for block in iter(lambda: src.read(1 << 22), b""):
                    dst.write(block)
            if os.path.getsize(path) != info.file_size:
                raise OSError(f"{path}: {os.path.getsize(path)} bytes, want {info.file_size}")


def main():
    listing, wheels, target, flavour = sys.argv[1:]
    with open(listing) as f:
        wanted = set(re.findall(r"sha256:([0-9a-f]{64})", f.read()))
    found = set()
    for name in sorted(os.listdir(wheels)):
        path = os.path.join(wheels, name)
        if not name.endswith(".whl"):
            continue
        digest = sha256(path)
        if digest in wanted:
            unpack(path, target, flavour)
            found.add(digest)
    if found != wanted:
        sys.exit(f"libtorch: {len(wanted - found)} of the wheels in {listing} are not in {wheels}")
    # Libraries of arm64 look in $ORIGIN/../../torch.libs; here lib/ is one level up.
    if os.path.isdir(os.path.join(target, "torch.libs")):
        for lib in os.listdir(os.path.join(target, "torch.libs")):
            os.rename(os.path.join(target, "torch.libs", lib), os.path.join(target, "lib", lib))
        os.rmdir(os.path.join(target, "torch.libs"))


if __name__ == "__main__":
    try:
        main()
    except (OSError, zipfile.BadZipFile) as e:
        sys.exit(f"libtorch: {e}")
