"""The command line of the report; see gpu-report.sh. Each part runs in a separate process, so that a crash, a hang or a
kill does not end the report."""

import argparse
import datetime
import difflib
import json
import os
import signal
import subprocess
import sys
import threading
import time

import book
import parts
from part import PART_SECONDS, Failed, Part, Skip, Unfinished
from place import Place, Refused

GRACE = 15  # seconds until it is killed
SLICES = 200  # of one part, at most


class OneLine(argparse.ArgumentParser):
    """Says what is wrong in one line."""

    def error(self, message):
        self.exit(2, f"gpu-report: {message}\n")


def arguments(argv):
    a = OneLine(
        prog="gpu-report.sh", description="tells whether this program is right and how fast it is on this machine's GPU"
    )
    a.add_argument("what", nargs="?", default="quick", help="quick, full, list, or part NAME")
    a.add_argument("name", nargs="?", help="of the part")
    a.add_argument("--resume", action="store_true", help="resume the report in --out")
    a.add_argument("--out", default="report", help="folder of the report (default: ./report)")
    a.add_argument("--device", default="cuda", help="cuda, cuda:i, or cpu for a rehearsal with small settings")
    a.add_argument(
        "--minutes",
        type=float,
        help="start no part that cannot end within this long; the report tells what was not run",
    )
    a.add_argument("--quick", action="store_true", help="of part: with the settings of quick")
    a.add_argument("--child", type=float, help=argparse.SUPPRESS)
    o = a.parse_args(argv)
    if o.what not in ("quick", "full", "list", "part"):
        a.error(f"unknown command {o.what}: want quick, full, list or part NAME")
    if (o.what == "part") != bool(o.name):
        a.error("part needs the NAME of one: see list" if o.what == "part" else f"{o.what} takes no name")
    if o.name and not parts.find(o.name):
        near = difflib.get_close_matches(o.name, [p[0] for p in parts.PARTS], 1)
        a.error(f"no part {o.name}{'; did you mean ' + near[0] + '?' if near else ''}: see list")
    if o.device != "cpu" and o.device != "cuda" and not (o.device.startswith("cuda:") and o.device[5:].isdigit()):
        a.error(f"--device {o.device}: want cuda, cuda:i or cpu")
    o.out = os.path.abspath(o.out)
    return o


def driver():
    try:
        p = subprocess.run(
            ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            timeout=60,
        )
        return p.stdout.strip().splitlines()[0] if p.returncode == 0 else "unknown"
    except (OSError, IndexError, subprocess.TimeoutExpired):
        return "none"


def card(place, device):
    if device == "cpu":
        return "CPU"
    return place.torch["gpus"][int(device.partition(":")[2] or 0)]["name"]


def head(place, o, mode):
    t = place.torch
    return {
        "commit": place.bundle["commit"],
        "torch": t["version"],
        "cuda": t["cuda"] or "none",
        "card": card(place, o.device),
        "driver": driver(),
        "gpus": len(t["gpus"]),
        "device": o.device,
        "mode": mode,
        "order": parts.of(mode),
    }


def open_book(place, o, mode):
    """Opens the report in --out, new or resumed. Refuses a report of another bundle, device or mode."""
    b, h = book.Book(o.out), head(place, o, mode)
    if b.data and not (o.resume or o.what == "part"):
        raise Refused(f"{b.json} is there: give --resume to resume it, or another folder as --out")
    if b.data is None:
        b.start(h)
        return b
    for k in ("commit", "torch", "card", "device"):
        if b.data[k] != h[k]:
            raise Refused(
                f"the report in {o.out} is of {k} {b.data[k]}, and this is {h[k]}: give another folder as --out"
            )
    if o.what != "part":
        b.data.update(mode=mode, order=h["order"])
        b.save()
    return b


def child(place, o):
    """Runs a part in this process. When it ends, its record is in parts/NAME.json."""
    parent = os.getppid()

    def watch():  # ends this process and its programs if the report's process is gone
        while os.getppid() == parent:
            time.sleep(1)
        os.killpg(0, signal.SIGKILL)

    threading.Thread(target=watch, daemon=True).start()
    place.torch = json.loads(os.environ["GPU_REPORT_TORCH"])
    p = Part(o.name, place, o.out, o.device, o.quick, o.child)
    p.card = card(place, o.device)
    state, why = "passed", ""
    try:
        parts.find(o.name)[2](p)
    except Skip as e:
        state, why = "skipped", str(e)
    except Unfinished as e:
        state, why = "unfinished", str(e)
    except Failed as e:
        state, why = "failed", str(e)
    except Exception as e:  # a bug, or something is missing on this machine; the other parts continue
        state, why = "failed", f"{type(e).__name__}: {e}"
    if state == "passed" and not p.record["rows"]:
        state, why = "skipped", "; ".join(p.record["notes"]) or "it had nothing to check"
    if p.wrong() and state == "passed":
        state, why = "failed", "wrong: " + "; ".join(
            f"{r['check']}{': ' if r['detail'] else ''}{r['detail']}"
            for r in p.record["rows"]
            if r.get("result") == "WRONG"
        )
    p.record.update(state=state, why=why)
    p.keep()


def goes_on(b, name, mode, path):
    """Keeps the rows of the slices of an unfinished part and drops others."""
    part = b.data["parts"].get(name, {})
    if part.get("state") == "unfinished" and part.get("mode") == mode:
        book.write(path, json.dumps({"rows": part.get("rows", []), "notes": part.get("notes", [])}))
    elif os.path.exists(path):
        os.unlink(path)


def run(place, o, b, name, seconds, quick):
    """Runs a part in a separate process and writes the report."""
    path = os.path.join(o.out, "parts", name + ".json")
    os.makedirs(os.path.dirname(path), exist_ok=True)
    mode, date = "quick" if quick else "full", datetime.date.today().isoformat()
    goes_on(b, name, mode, path)
    b.put(name, {"state": "running", "mode": mode, "date": date})
    print(f"== {name}: {parts.find(name)[3]}", flush=True)
    command = [
        sys.executable,
        os.path.abspath(__file__),
        "part",
        name,
        "--child",
        str(seconds),
        "--out",
        o.out,
        "--device",
        o.device,
    ] + (["--quick"] if quick else [])
    began = time.monotonic()
    p = subprocess.Popen(
        command, start_new_session=True, env=dict(os.environ, GPU_REPORT_TORCH=json.dumps(place.torch))
    )
    end, stopped = "it ended without a word", False
    try:
        p.wait(seconds + GRACE)
        if p.returncode < 0:
            end = f"it was ended by signal {-p.returncode}"
    except subprocess.TimeoutExpired:
        end = f"no end within {seconds + GRACE:.0f} s"
    except KeyboardInterrupt:
        end, stopped = "interrupted", True
    finally:
        try:
            os.killpg(p.pid, signal.SIGKILL)  # also ends the part's programs
        except ProcessLookupError:
            pass
        p.wait()
    part = book.read(path) or {"rows": [], "notes": []}
    if "state" not in part:
        part.update(state="interrupted" if stopped else "failed", why=end)
    part.update(seconds=time.monotonic() - began, mode=mode, date=date)
    b.put(name, part)
    print(
        f"== {name}: {part['state']} in {part['seconds']:.0f} s{': ' + part['why'] if part['why'] else ''}", flush=True
    )
    if stopped:
        raise KeyboardInterrupt
    return part["state"]


def show(o):
    b = book.Book(o.out)
    for name, quick, _, about in parts.PARTS:
        print(f"{name:16s} {'quick, full' if quick else 'full':12s} {b.state(name):11s} {about}")


def every(place, o, b):
    """Runs all parts of a mode that are not done. Returns how many are wrong."""
    until = time.monotonic() + 60 * o.minutes if o.minutes else float("inf")
    quick = o.what == "quick"
    for name in parts.of(o.what):
        done = b.data["parts"].get(name, {})
        if done.get("state") in book.DONE and done.get("mode") == o.what:
            print(f"== {name}: {done['state']} before", flush=True)
            continue
        said = None
        for _ in range(SLICES):
            left = until - time.monotonic()
            if left < 60:
                print(
                    f"gpu-report: {o.minutes:g} minutes are over: {name} and what follows was not run; --resume"
                    " continues",
                    flush=True,
                )
                return verdict(o, b)
            if run(place, o, b, name, min(PART_SECONDS, left - GRACE), quick) != "unfinished":
                break
            part = b.data["parts"][name]
            if part["why"] == said:
                b.put(name, dict(part, state="failed", why=f"it makes no progress: {said}"))
                break
            said = part["why"]
    return verdict(o, b)


def verdict(o, b):
    states = [b.state(n) for n in b.data["order"]]
    bad = [n for n in b.data["order"] if b.state(n) not in book.DONE]
    print(
        f"{states.count('passed')} parts passed, {states.count('skipped')}"
        f" skipped{', not right or not run: ' + ', '.join(bad) if bad else ''}; {os.path.join(o.out, 'report.md')}",
        flush=True,
    )
    return 1 if bad else 0


def interrupt(*_):
    raise KeyboardInterrupt


def main(argv):
    o = arguments(argv)
    if o.what == "list":
        show(o)
        return 0
    place = Place()
    if o.child:
        child(place, o)
        return 0
    signal.signal(signal.SIGTERM, interrupt)
    place.probe()
    place.device_is_there(o.device)
    b = open_book(place, o, "quick" if o.what == "quick" else "full")
    place.unpack()
    if o.what == "part":
        return 0 if run(place, o, b, o.name, PART_SECONDS, o.quick) in book.DONE + ("unfinished",) else 1
    return every(place, o, b)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except Refused as e:
        print(f"gpu-report: {e}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        print("gpu-report: interrupted; --resume continues", file=sys.stderr)
        sys.exit(130)
