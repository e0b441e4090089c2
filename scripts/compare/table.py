"""The table that compare.py prints and writes: a row for each figure, within 120 columns.

A row has the figures of several sides (this program, PyTorch eager, compiled, channels-last), or of two sides that its
name tells. A ratio is this program's figure over the other's. Below 1 it is in this program's favour.
"""

import datetime
import json
import os
import platform
import subprocess

import torch
import torchvision

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TITLES = {"eager": "eager", "compiled": "compiled", "channels_last": "ch.last"}


def output(*command):
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    return done.stdout.strip() if done.returncode == 0 else "unknown"


def processor():
    try:
        with open("/proc/cpuinfo") as f:
            return next(line.split(":")[1].strip() for line in f if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def commit():
    dirty = output("git", "status", "--porcelain", "--untracked-files=no") not in ("", "unknown")
    return output("git", "rev-parse", "--short=12", "HEAD") + ("+" if dirty else "")


def number(x, unit):
    if x is None:
        return "-"
    return (f"{x:.0f} {unit}" if x >= 100 else f"{x:.3g} {unit}").strip()


class Table:
    """Prints rows at once and keeps them for compare.json."""

    def __init__(self, o, libtorch):
        self.rows, self.columns, self.header = [], ["eager"], None
        self.columns += ["compiled"] * o.compile + ["channels_last"] * o.channels_last
        self.about = {
            "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"), "commit": commit(),
            "program": output(os.path.join(ROOT, "bin", "run"), "version"), "libtorch": libtorch,
            "pytorch": torch.__version__, "torchvision": torchvision.__version__, "python": platform.python_version(),
            "processor": processor(), "cores": os.cpu_count(), "threads": o.threads, "rounds": o.rounds,
        }
        a = self.about
        print(f"{a['date'][:10]}, commit {a['commit']}; "
              f"LibTorch {libtorch} beside PyTorch {a['pytorch']}, torchvision {a['torchvision']}")
        print(f"{a['processor']}, {a['cores']} cores, {o.threads} threads; "
              f"medians of {o.rounds} rounds in turn", flush=True)

    def title(self, kind, text):
        if self.header != kind:
            print(f"\n{text}", flush=True)
        self.header = kind

    def beside(self, name, unit, figures, target="", compiling=None, why=None, na=()):
        """Adds a row with the figures of each side. The sides in na cannot have this figure."""
        titles = [TITLES[c] for c in self.columns]
        head = "".join(f"{t:>9}" for t in titles) + "".join(f"{'/' + t:>10}" for t in titles)
        wait = f"{'to compile':>11}" if "compiled" in self.columns else ""
        self.title("beside", f"{'':44}{'ours':>9}{head}{wait}{'aim':>7}")
        row = {"name": name.strip(), "unit": unit, **figures, "target": target or None}
        cells = f"{number(figures['ours'], unit):>9}"
        for c in self.columns:
            cell = "failed" if c == "compiled" and why else "n/a" if c in na else number(figures.get(c), unit)
            cells += f"{cell:>9}"
        for c in self.columns:
            row["ratio_" + c] = figures["ours"] / figures[c] if figures.get(c) else None
            cells += f"{row['ratio_' + c]:>10.3f}" if row["ratio_" + c] else f"{'':>10}"
        if wait:
            cells += f"{number(compiling, 's') if compiling is not None else '':>11}"
            row.update(compile_seconds=compiling, compile_failed=why)
        self.rows.append(row)
        print(f"{name:44}{cells}{target:>7}", flush=True)
        if why:
            print(f"    torch.compile failed: {why}"[:119], flush=True)

    def pair(self, name, ours, other, unit="s", target=""):
        """Adds a row of two figures. Its name says which."""
        self.title("pair", f"{'':84}{'this':>9}{'other':>9}{'ratio':>9}{'aim':>7}")
        row = {"name": name, "unit": unit, "ours": ours, "other": other, "ratio": ours / other}
        self.rows.append({**row, "target": target or None})
        print(f"{name:84}{number(ours, unit):>9}{number(other, unit):>9}{ours / other:>9.3f}{target:>7}", flush=True)

    def write(self, path):
        with open(path, "w") as f:
            json.dump({**self.about, "rows": self.rows}, f, indent=1)
            f.write("\n")
        print(f"wrote {path}", flush=True)
