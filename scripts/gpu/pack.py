"""The last step of bundle.sh: writes bundle.json, with what the programs need of a system, and packs the programs.

usage: pack.py FOLDER TORCH FLAVOUR ABI COMMIT 0|1
"""

import json
import os
import re
import shutil
import sys
import tarfile
import time


def needs(folder):
    """The newest versions of glibc and libstdc++ whose symbols the programs name."""
    newest = {}
    for name in os.listdir(folder):
        with open(os.path.join(folder, name), "rb") as f:
            for lib, number in re.findall(rb"\0(GLIBC|GLIBCXX|CXXABI)_([0-9]+(?:\.[0-9]+)*)\0", f.read()):
                version = tuple(map(int, number.split(b".")))
                newest[lib.decode()] = max(newest.get(lib.decode(), ()), version)
    return ", ".join(f"{k} {'.'.join(map(str, v))}" for k, v in sorted(newest.items()))


def main():
    folder, torch, flavour, abi, commit, pack = sys.argv[1:]
    programs = os.path.join(folder, "programs")
    told = {
        "torch": torch,
        "flavour": flavour,
        "abi": int(abi) if abi else None,
        "commit": commit,
        "date": time.strftime("%Y-%m-%d"),
        "needs": needs(programs),
    }
    with open(os.path.join(folder, "bundle.json"), "w") as f:
        json.dump(told, f, indent=1)
    if pack != "1":
        return
    with tarfile.open(programs + ".tar.xz", "w:xz", preset=6) as t:
        for name in sorted(os.listdir(programs)):
            t.add(os.path.join(programs, name), name)
    shutil.rmtree(programs)


if __name__ == "__main__":
    main()
