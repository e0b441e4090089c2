"""The tools of a part: it records checks, rows and notes, which survive if the part is killed, and runs programs within
its time."""

import json
import os
import signal
import subprocess
import time

import book

PART_SECONDS = 460  # time limit of a part


class Skip(Exception):
    """The part cannot be done here. The text says why."""


class Unfinished(Exception):
    """The part's time is over and there is more to do. The next run of the part resumes it. The text says how far it
    got: if two slices say the same, the part makes no progress."""


class Failed(Exception):
    """The part cannot continue. The recorded checks stay."""


class Part:
    def __init__(self, name, place, folder, device, quick, seconds):
        self.name, self.place, self.folder, self.device, self.quick = name, place, folder, device, quick
        self.end = time.monotonic() + seconds
        self.path = os.path.join(folder, "parts", name + ".json")
        self.work = os.path.join(folder, "work", name)  # kept from one run of the part to the next
        before = book.read(self.path) or {}  # the record of a slice that ended unfinished
        self.record = {"rows": before.get("rows", []), "notes": before.get("notes", [])}
        os.makedirs(self.work, exist_ok=True)

    @property
    def gpu(self):
        return self.device.startswith("cuda")

    def left(self):
        return self.end - time.monotonic()

    def keep(self):
        book.write(self.path, json.dumps(self.record))

    def row(self, kind, **columns):
        self.record["rows"].append(dict(columns, kind=kind))
        self.keep()
        print(f"{self.name}: " + ", ".join(f"{k} {v}" for k, v in columns.items() if v != ""), flush=True)

    def check(self, what, ok, detail=""):
        self.row("check", check=what, result="right" if ok else "WRONG", detail=str(detail)[:300])
        return ok

    def note(self, text):
        if text not in self.record["notes"]:
            self.record["notes"].append(text)
        self.keep()
        print(f"{self.name}: {text}", flush=True)

    def wrong(self):
        return [r["check"] for r in self.record["rows"] if r.get("result") == "WRONG"]

    def run(self, command, at_most=None, interrupt_after=None, cwd=None, **env):
        """Runs a program. Returns its status and its output, including errors. Status 124 means that it did not end in
        time. It gets Ctrl-C after interrupt_after seconds."""
        limit = min(self.left() - 5, at_most or 1e9)
        if limit < 5:
            raise Failed("the time of the part was over before all of it was run")
        with open(os.path.join(self.work, "output.txt"), "w+") as out:
            p = subprocess.Popen(
                command, stdout=out, stderr=subprocess.STDOUT, env=self.place.environment(**env), cwd=cwd or self.work
            )
            try:
                if interrupt_after is not None:
                    try:
                        p.wait(interrupt_after)
                    except subprocess.TimeoutExpired:
                        p.send_signal(signal.SIGINT)
                p.wait(limit)
            except subprocess.TimeoutExpired:
                p.kill()
                p.wait()
                return 124, f"no end within {limit:.0f} s"
            out.seek(0)
            return p.returncode, out.read()

    def program(self, *args, **more):
        """Runs the program, with --device if the command has this flag."""
        on = ["--device", self.device] if args[0] in ("pretrain", "eval", "finetune", "embed") else []
        return self.run([self.place.program("run"), *args, *on], **more)

    def must(self, what, *args, **more):
        """Runs the program, records a check that it succeeds, and returns its output."""
        status, text = self.program(*args, **more)
        last = (text.strip().splitlines() or [""])[-1]
        self.check(what, status == 0, "" if status == 0 else f"status {status}: {last}")
        if status != 0:
            raise Failed(f"{what}: {last}")
        return text
