"""The report: report.json, which is replaced after every part, and report.md, which is made from it."""

import json
import os
import tempfile

DONE = ("passed", "skipped")


def write(path, text):
    """Replaces a file atomically: a reader sees the old or the new one, even if this process is killed."""
    f = tempfile.NamedTemporaryFile(
        "w", dir=os.path.dirname(path), prefix=os.path.basename(path), suffix=".partial", delete=False
    )
    try:
        with f:
            f.write(text)
            f.flush()
            os.fsync(f.fileno())
        os.chmod(f.name, 0o644)
        os.replace(f.name, path)
    except BaseException:
        os.unlink(f.name)
        raise


def read(path):
    try:
        with open(path) as f:
            return json.load(f)
    except (FileNotFoundError, json.JSONDecodeError):
        return None


class Book:
    """The report in a folder."""

    def __init__(self, folder):
        self.folder = folder
        self.json = os.path.join(folder, "report.json")
        self.data = read(self.json)

    def start(self, head):
        os.makedirs(os.path.join(self.folder, "parts"), exist_ok=True)
        self.data = dict(head, parts={})
        self.save()

    def state(self, name):
        return self.data["parts"].get(name, {}).get("state", "not run") if self.data else "not run"

    def put(self, name, part):
        self.data["parts"][name] = part
        self.save()

    def save(self):
        write(self.json, json.dumps(self.data, indent=1) + "\n")
        write(os.path.join(self.folder, "report.md"), page(self.data))


def table(columns, rows):
    """A table of Markdown."""
    cell = lambda v: str(v).replace("|", "\\|").replace("\n", " ")
    lines = ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    lines += ["| " + " | ".join(cell(r.get(c, "")) for c in columns) + " |" for r in rows]
    return "\n".join(lines)


# Tables of docs/gpu.md, by the kind of row.
TABLES = [
    ("check", "Right", ["check", "result", "detail"]),
    ("step", "Step time", ["step", "program", "TF32", "ms", "images/s", "peak MB", "of peak FLOP/s", "against eager"]),
    ("data", "Waiting for data", ["run", "images/s", "share waited", "epoch s"]),
    ("run", "Whole runs", ["run", "epochs", "200-NN %", "linear %", "minutes", "published 200-NN %"]),
]


def rows_of(data, kind):
    """The rows of a kind. Date, card and commit are the last columns, as in docs/gpu.md."""
    out = []
    for name, part in data["parts"].items():
        for r in part.get("rows", []):
            if r["kind"] == kind:
                out.append(dict(r, date=part.get("date", ""), GPU=data["card"], commit=data["commit"][:9]))
    return out


def summary(data):
    """One line that says how many parts passed and names the others."""
    states = {n: "not run" for n in data["order"]}
    states.update({n: p["state"] for n, p in data["parts"].items()})
    passed = sum(s == "passed" for s in states.values())
    others = [
        f"{s}: {', '.join(n for n, t in states.items() if t == s)}"
        for s in dict.fromkeys(states.values())
        if s != "passed"
    ]
    return f"**{passed} of {len(states)} parts passed{'; ' if others else ''}{'; '.join(others)}.**"


CUT_OFF = "runs now, or was cut off: --resume runs it again"


def line(name, part):
    """The row of a part in the first table."""
    seconds = "%.0f" % part["seconds"] if "seconds" in part else ""
    return {
        "part": name,
        "state": part["state"],
        "seconds": seconds,
        "why": CUT_OFF if part["state"] == "running" else part.get("why", ""),
    }


def page(data):
    """report.md."""
    out = [
        "# GPU report",
        "",
        (
            f"{data['card']}, driver {data['driver']}, torch {data['torch']} (CUDA {data['cuda']}), commit"
            f" {data['commit']}, device {data['device']}, {data['mode']}."
        ),
        "",
        summary(data),
        "",
    ]
    if not data["device"].startswith("cuda"):
        out += ["**A rehearsal on the CPU: its figures say nothing about a GPU.**", ""]
    names = data["order"] + [n for n in data["parts"] if n not in data["order"]]
    parts = [line(n, data["parts"].get(n, {"state": "not run"})) for n in names]
    out += ["## Parts", "", table(["part", "state", "seconds", "why"], parts), ""]
    for kind, title, columns in TABLES:
        rows = rows_of(data, kind)
        if rows:
            out += [f"## {title}", "", table(columns + ["date", "GPU", "commit"], rows), ""]
    notes = [f"- {n}: {t}" for n, p in data["parts"].items() for t in p.get("notes", [])]
    if notes:
        out += ["## Notes", ""] + notes + [""]
    return "\n".join(out)
