"""What a part has at hand while it runs: it records checks, rows and notes, which are
kept when the part is killed, and runs programs within its time."""

import json
import os
import signal
import subprocess
import time

import book

PART_SECONDS = 460  # a part ends by itself by then


class Skip(Exception):
    """The part cannot be done here, and why."""


class Unfinished(Exception):
    """The part's time is over and there is more to do: it goes on when it runs again. Says
    how far it has got: a slice that says what the one before said got no further."""


class Failed(Exception):
    """The part cannot go on; checks that were recorded stay."""


class Part:
    def __init__(self, name, place, folder, device, quick, seconds):
        self.name, self.place, self.folder, self.device, self.quick = name, place, folder, device, quick
        self.end = time.monotonic() + seconds
        self.path = os.path.join(folder, "parts", name + ".json")
        self.work = os.path.join(folder, "work", name)  # kept from one run of the part to the next
        before = book.read(self.path) or {}  # of a slice that ended unfinished
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
        """Runs a program to its end; returns its status, and its output with errors.
        Status 124: it did not end in time. interrupt_after: seconds to Ctrl-C."""
        limit = min(self.left() - 5, at_most or 1e9)
        if limit < 5:
            raise Failed("its time was over before all of it was run")
        with open(os.path.join(self.work, "output.txt"), "w+") as out:
            p = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, env=self.place.environment(**env), cwd=cwd or self.work)
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
        """Runs the program with --device where the command has one."""
        on = ["--device", self.device] if args[0] in ("pretrain", "eval", "finetune", "embed") else []
        return self.run([self.place.program("run"), *args, *on], **more)

    def must(self, what, *args, **more):
        """Runs the program, records that it did, and returns its output."""
        status, text = self.program(*args, **more)
        last = (text.strip().splitlines() or [""])[-1]
        self.check(what, status == 0, "" if status == 0 else f"status {status}: {last}")
        if status != 0:
            raise Failed(f"{what}: {last}")
        return text
