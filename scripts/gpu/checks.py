"""Parts that check whether the program is right on a device."""

import math
import os
import platform
import re
import subprocess
import time

from part import Failed

# Tests that compare values run without TF32, which has 10 bits of mantissa. NVIDIA's libraries use it by default for
# convolutions.
EXACT = {"NVIDIA_TF32_OVERRIDE": "0"}

# A run of seconds. 1x1 convolutions have 8 channels or more, since oneDNN in LibTorch 2.1 is wrong in float32 for
# fewer.
SMALL = (
    "pretrain --preset cpu --count 64 --batch-size 16 --epochs 2 --width 0.25 --hidden 16 --dim 8 --size "
    "16 --warmup 0 --msr-width 0.25 --workers 2"
).split()


def environment(p):
    t, b = p.place.torch, p.place.bundle
    p.note(
        f"bundle of {b['date']}, commit {b['commit']}, {b['flavour']} build for torch {b['torch']}; it asks of the"
        f" system: {b.get('needs', 'unknown')}"
    )
    p.note(
        f"Python {platform.python_version()}, torch {t['version']} of {t['folder']}, {platform.libc_ver()[0]}"
        f" {platform.libc_ver()[1]}, {os.cpu_count()} cores"
    )
    for i, g in enumerate(t["gpus"]):
        kernels = "sm_" + g["capability"].replace(".", "") in t["arches"]
        p.note(
            f"GPU {i}: {g['name']}, {g['memory'] / 2**30:.0f} GiB, compute capability {g['capability']},"
            f" {'in' if kernels else 'NOT in'} torch's list of kernels ({' '.join(t['arches'])})"
        )
    status, text = p.run([p.place.program("run"), "version"], at_most=120)
    first, devices = version_line(text)
    if not p.check("the program starts", status == 0, first):
        raise Failed(f"the program does not start: {first}")
    p.check("it has the LibTorch of this torch", f"LibTorch {b['torch']}" in first, first)
    p.check(
        "it sees every GPU that torch sees",
        devices == len(t["gpus"]) or not p.gpu,
        f"the program {devices}, torch {len(t['gpus'])}",
    )
    status, text = p.run([p.place.program("run"), "doctor", *(["--device", "cpu"] if not p.gpu else [])], at_most=240)
    for line in text.strip().splitlines():
        p.note("run doctor: " + line)
    p.check("run doctor finds nothing wrong", status == 0, (text.strip().splitlines() or [""])[-1])
    work = subprocess.run(
        [p.place.program("compare"), "step", "simclr", "resnet18", "8", "2", p.device],
        input="go\ngo\n",
        env=p.place.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        timeout=max(10, p.left() - 5),
    )
    lines = work.stdout.split("\n")
    ok = work.returncode == 0 and math.isfinite(float(lines[1]))
    p.check(
        "a step of ResNet-18 on the device",
        ok,
        f"{1000 * float(lines[1]):.0f} ms" if ok else (work.stderr.strip().splitlines() or ["no word"])[-1],
    )


def version_line(text):
    """Returns the line of `run version` that names the program, and the number of GPUs that it sees. If there is no
    such line, as when the program does not start, returns the last line and None."""
    for line in text.splitlines():
        found = re.match(r"icl-msr .* (\d+) CUDA devices$", line)
        if found:
            return line, int(found.group(1))
    return (text.strip().splitlines() or ["it ended without a word"])[-1], None


def go_test(p, package, pattern, at_most=None, cases=(), **env):
    """Runs the compiled tests of a package on the device. Adds a check for each test, and a note for each case that
    was skipped."""
    began = time.monotonic()
    status, text = p.run(
        [p.place.program(package + ".test"), "-test.v", "-test.run", pattern],
        at_most=at_most,
        cwd=p.place.path("tests", package),
        ICLMSR_DEVICE=p.device,
        **dict(EXACT, **env),
    )
    with open(os.path.join(p.work, package + ".txt"), "a") as f:
        f.write(text)
    results = re.findall(r"^( *)--- (PASS|FAIL|SKIP): (\S+)", text, re.M)
    tops = [(r, n) for indent, r, n in results if not indent]
    below = sum(1 for indent, r, _ in results if indent and r == "PASS")
    for result, name in tops:
        wrong = [n for indent, r, n in results if r == "FAIL" and n.startswith(name + "/")]
        if result == "SKIP":
            p.note(f"{package}: {name} was skipped")
            continue
        p.check(
            f"{package}: {name}",
            result == "PASS",
            f"{below} within, {time.monotonic() - began:.0f} s" if result == "PASS" else first_error(text, wrong),
        )
    ran = {n for _, r, n in results if r != "SKIP"}
    for case in cases:
        if status == 0 and case not in ran:
            p.check(f"{package}: {case}", False, "it did not run")
    references = sum(int(n) for n in re.findall(r"^reference \S+: (\d+) cases", text, re.M))
    if references:
        p.note(f"{package}: {references} cases of reference values")
    if status != 0 and not any(r == "FAIL" for r, _ in tops):
        p.check(f"{package}: {pattern}", False, f"status {status}: {crash(text)}")
    if status == 0 and not tops:
        p.check(f"{package}: {pattern}", False, "no test of this name in the bundle")
    floats = [float(x) for x in re.findall(r"the device (\S+) \(", text)]
    if floats:
        cpu = [float(x) for x in re.findall(r"the CPU is (\S+) from", text)]
        p.note(
            f"{package}: float32 from float64, relative, largest of {len(floats)} runs: the CPU {max(cpu):.1e}, the"
            f" device {max(floats):.1e}"
        )


def first_error(text, wrong):
    found = re.search(r"Error:\s+(.*)\n(?:\s+Error Trace.*\n)?(?:\s*(.*)\n)?", text)
    said = " ".join(x.strip() for x in found.groups() if x) if found else ""
    return f"{', '.join(wrong[-3:])}: {said}"


def crash(text):
    for line in text.splitlines():
        if re.match(r"(panic|fatal|SIG|terminate|double free|corrupted|CUDA error)", line):
            return line
    return (text.strip().splitlines() or ["no word"])[-1]


def reference(p):
    go_test(p, "losses", "^TestReference$")
    go_test(p, "meta", "^TestReference$")
    go_test(p, "transforms", "^(TestBatchedOperationsAreThoseOfSinglePictures|TestDeviceMakesTheViewsOfApply)$")
    go_test(p, "nets", "^TestReference$")


def equality(*methods):
    """A part: compares these methods on the device with the CPU."""

    def run(p):
        go_test(
            p,
            "meta",
            f"^TestDeviceTrainsAsTheCPU$/^({'|'.join(methods)})$",
            cases=[f"TestDeviceTrainsAsTheCPU/{m}" for m in methods],
        )

    return run
