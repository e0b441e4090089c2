"""Stand-ins for the CUDA libraries that a PyTorch wheel links to and that a run on CPUs never calls.

Without these libraries `import torch` fails. The stand-ins save 2 GB. One small library has a function for each
missing symbol. Each function returns 1, which is an error code in all of these libraries. Links beside
libtorch_cuda.so give the library the names that the loader looks for.
"""

import ctypes
import glob
import os
import re
import shutil
import subprocess
import tempfile

NAME = "libcuda_stand_in.so"
BEGIN = ("libtorch_python.so", "libtorch_global_deps.so", "libtorch_cuda_linalg.so")


def lines(*command):
    environment = {**os.environ, "LC_ALL": "C"}
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=True).stdout.splitlines()


def needed(path):
    return [m[1] for line in lines("readelf", "-d", path) if (m := re.search(r"\(NEEDED\).*\[(.*)\]", line))]


def symbols(path):
    """Dynamic symbols: the defined ones, and {name: version} of those that others must define."""
    defined, undefined = set(), {}
    for line in lines("readelf", "-W", "--dyn-syms", path):
        words = line.split()
        if len(words) < 8 or words[4] not in ("GLOBAL", "WEAK", "UNIQUE"):
            continue
        name, _, version = words[7].replace("@@", "@").partition("@")
        if words[6] != "UND":
            defined.add(name)
        elif words[4] == "GLOBAL":
            undefined[name] = version
    return defined, undefined


def loaded(name):
    try:
        return ctypes.CDLL(name)
    except OSError:
        return None


def closure(package):
    """Libraries of the wheels, libraries of the system, and names of libraries that are missing."""
    paths = glob.glob(f"{package}/../nvidia/*/lib/*.so*") + glob.glob(f"{package}/lib/*.so*")
    there = {os.path.basename(p): p for p in paths}
    queue, wheels, system, missing = [n for n in BEGIN if n in there], {}, {}, set()
    while queue:
        name = queue.pop()
        if name in wheels or name in system or name in missing:
            continue
        if name in there:
            wheels[name] = there[name]
            queue += needed(there[name])
        elif (library := loaded(name)) is not None:
            system[name] = library
        else:
            missing.add(name)
    return wheels, system, missing


def write(package):
    """Writes the stand-ins into torch's folder. Returns the reason if it cannot, else None."""
    compiler = next(filter(None, map(shutil.which, (os.environ.get("CC", "cc"), "gcc", "clang"))), None)
    if not (compiler and shutil.which("readelf")):
        return "no C compiler with readelf, to write stand-ins for CUDA's libraries"
    try:
        wheels, system, missing = closure(package)
        tables = [symbols(path) for path in wheels.values()]
        there = set().union(*(defined for defined, _ in tables))
        names = {n: version for _, undefined in tables for n, version in undefined.items()
                 if n not in there and not any(hasattr(s, n) for s in system.values())}
        compile_functions(compiler, names, os.path.join(package, "lib", NAME))
    except (OSError, subprocess.CalledProcessError) as e:
        return f"stand-ins for CUDA's libraries could not be written ({e})"
    for name in missing:
        os.symlink(NAME, os.path.join(package, "lib", name))
    return None


def compile_functions(compiler, names, out):
    """Compiles the library. A linker script gives the symbols their versions, which the loader checks."""
    nodes = {}
    for name, version in sorted(names.items()):
        nodes.setdefault(version or "ICL_STAND_IN", []).append(name)
    with tempfile.TemporaryDirectory() as folder:
        source, script = os.path.join(folder, "stand_in.c"), os.path.join(folder, "versions")
        with open(source, "w") as f:
            f.write("int icl_stand_in(void) { return 1; }\n")
            f.writelines(f'int {n}(void) __attribute__((alias("icl_stand_in")));\n' for n in sorted(names))
        with open(script, "w") as f:
            f.writelines(f"{version} {{ {'; '.join(members)}; }};\n" for version, members in nodes.items())
        how = ["-shared", "-fPIC", "-fno-builtin", "-w", f"-Wl,--version-script={script}"]
        subprocess.run([compiler, *how, source, "-o", out], check=True, capture_output=True)


def remove(package):
    for path in glob.glob(f"{package}/lib/*"):
        if os.path.basename(path) == NAME or os.path.islink(path) and os.readlink(path) == NAME:
            os.remove(path)
