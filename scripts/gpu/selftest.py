"""Tests of the report's logic, without torch: python3 scripts/gpu/selftest.py"""

import json
import os
import struct
import sys
import tempfile
import types
import unittest
from unittest import mock

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import bench  # noqa: E402
import book  # noqa: E402
import checks  # noqa: E402
import commands  # noqa: E402
import parts  # noqa: E402
import peaks  # noqa: E402
import place  # noqa: E402
import report  # noqa: E402
from part import Failed, Part, Unfinished  # noqa: E402

HEAD = {
    "commit": "0123456789ab",
    "torch": "2.11.0",
    "cuda": "13.0",
    "card": "Card",
    "driver": "1",
    "gpus": 1,
    "device": "cuda",
    "mode": "quick",
    "order": ["a", "b"],
}


def place_of(torch, **bundle):
    p = place.Place.__new__(place.Place)
    p.bundle = dict({"torch": "2.11.0", "flavour": "cuda", "abi": 1}, **bundle)
    p.torch = dict(
        {"version": "2.11.0+cu130", "cuda": "13.0", "abi": 1, "gpus": [{}], "why": "", "folder": "/x/torch"}, **torch
    )
    return p


class Refusals(unittest.TestCase):
    def says(self, words, f):
        with self.assertRaises(place.Refused) as e:
            f()
        self.assertIn(words, str(e.exception))
        self.assertNotIn("\n", str(e.exception))

    def test_torch(self):
        place_of({}).fits()
        self.says("built for torch 2.11.0, and", place_of({"version": "2.11.1"}).fits)
        self.says("C++ ABI 1, and this one has 0", place_of({"abi": 0}).fits)

    def test_device(self):
        place_of({"gpus": []}).device_is_there("cpu")
        place_of({}).device_is_there("cuda:0")
        self.says("for CPUs only", lambda: place_of({}, flavour="cpu").device_is_there("cuda"))
        self.says("is a build for CPUs", lambda: place_of({"cuda": None}).device_is_there("cuda"))
        self.says("torch sees 1 of them", lambda: place_of({}).device_is_there("cuda:1"))
        self.says("no kernel image", lambda: place_of({"why": "no kernel image"}).device_is_there("cuda"))

    def test_report_of_another(self):
        with tempfile.TemporaryDirectory() as folder:
            book.Book(folder).start(HEAD)
            p, o = place_of({"gpus": [{"name": "Card"}]}, commit="another"), types.SimpleNamespace(
                out=folder, resume=False, what="quick", device="cuda"
            )
            self.says("give --resume", lambda: report.open_book(p, o, "quick"))
            o.resume = True
            self.says("is of commit 0123456789ab", lambda: report.open_book(p, o, "quick"))


class Books(unittest.TestCase):
    def test_pages_and_states(self):
        with tempfile.TemporaryDirectory() as folder:
            b = book.Book(folder)
            b.start(HEAD)
            b.put(
                "a",
                {
                    "state": "passed",
                    "seconds": 2,
                    "date": "2026-01-02",
                    "rows": [{"kind": "check", "check": "x|y", "result": "right", "detail": "d"}],
                    "notes": ["said"],
                },
            )
            again = book.Book(folder)
            self.assertEqual(["passed", "not run"], [again.state(n) for n in HEAD["order"]])
            with open(os.path.join(folder, "report.md")) as f:
                text = f.read()
            for want in (
                "**1 of 2 parts passed; not run: b.**",
                "| b | not run |",
                r"| x\|y | right | d | 2026-01-02 | Card | 012345678 |",
                "- a: said",
            ):
                self.assertIn(want, text)
            self.assertEqual({"parts", "report.json", "report.md"}, set(os.listdir(folder)))

    def test_a_part_cut_off_is_told(self):
        text = book.page(dict(HEAD, parts={"a": {"state": "running"}}))
        self.assertIn("0 of 2 parts passed; running: a; not run: b.", text)
        self.assertIn("was cut off: --resume", text)

    def test_half_a_file_is_none(self):
        with tempfile.TemporaryDirectory() as folder:
            with open(os.path.join(folder, "report.json"), "w") as f:
                f.write('{"parts": ')
            self.assertIsNone(book.Book(folder).data)


class Parts(unittest.TestCase):
    def part(self, folder, output, status=0):
        p = Part("t", types.SimpleNamespace(program=lambda n: n, path=lambda *n: folder), folder, "cpu", True, 60)
        p.run = lambda *a, **k: (status, output)
        return p

    def test_the_programs_version(self):
        line = "icl-msr 0123, go1.25, LibTorch 2.11.0, 2 CUDA devices"
        self.assertEqual(
            (line, 2),
            checks.version_line(
                "warning: x\n" + line + "\nLibTorch compiled with: 2.11.0; loaded: 2.11.0, for the CPU\ncuda:0: Card\n"
            ),
        )
        self.assertEqual(("cannot start", None), checks.version_line("run: x\ncannot start\n"))

    def test_go_tests_are_told(self):
        with tempfile.TemporaryDirectory() as folder:
            os.makedirs(os.path.join(folder, "parts"))
            p = self.part(
                folder,
                "=== RUN TestA\n    --- FAIL: TestA/x (0.00s)\n        a_test.go:1:\n            \tError:      \tnot"
                " near\n--- FAIL: TestA (0.01s)\n--- PASS: TestB (0.0s)\n--- SKIP: TestC (0.0s)\nFAIL\n",
                1,
            )
            checks.go_test(p, "losses", "Test")
            self.assertEqual(["losses: TestA"], p.wrong())
            self.assertIn("not near", p.record["rows"][0]["detail"])
            self.assertIn("TestC was skipped", p.record["notes"][0])
            for output, status, want in (
                ("panic: x\n", 2, "status 2: panic: x"),
                ("testing: warning: no tests to run\nPASS\n", 0, "no test of this name"),
            ):
                os.unlink(p.path)
                p = self.part(folder, output, status)
                checks.go_test(p, "meta", "Nothing")
                self.assertIn(want, p.record["rows"][-1]["detail"])
                self.assertEqual(1, len(p.wrong()))

    def test_a_method_without_a_test_is_told(self):
        with tempfile.TemporaryDirectory() as folder:
            os.makedirs(os.path.join(folder, "parts"))
            p = self.part(folder, "--- PASS: TestA (0.0s)\n    --- PASS: TestA/x (0.0s)\n")
            checks.go_test(p, "meta", "TestA", cases=["TestA/x", "TestA/y"])
            self.assertEqual(["meta: TestA/y"], p.wrong())

    def ends(self, folder, b, work, slices=1):
        """Runs the slices of a part in this process as the report does. Returns their states and reasons."""
        with mock.patch.object(parts, "find", lambda name: (name, True, work, "")), mock.patch.dict(
            os.environ, GPU_REPORT_TORCH=json.dumps({"gpus": []})
        ):
            o = types.SimpleNamespace(name="a", out=folder, device="cpu", quick=True, child=60.0)
            for _ in range(slices):
                report.goes_on(b, "a", "quick", os.path.join(folder, "parts", "a.json"))
                report.child(place_of({}), o)
                b.put("a", dict(book.read(os.path.join(folder, "parts", "a.json")), mode="quick"))
        return b.data["parts"]["a"]

    def test_a_part_that_checks_nothing_has_not_passed(self):
        with tempfile.TemporaryDirectory() as folder:
            b = book.Book(folder)
            b.start(HEAD)
            part = self.ends(folder, b, lambda p: p.note("TestA was skipped"))
            self.assertEqual(("skipped", "TestA was skipped"), (part["state"], part["why"]))

    def test_slices_keep_their_rows(self):
        def work(p):
            p.check(f"slice {len(p.record['rows'])}", True)
            if len(p.record["rows"]) < 3:
                raise Unfinished(f"{len(p.record['rows'])} done")

        with tempfile.TemporaryDirectory() as folder:
            b = book.Book(folder)
            b.start(HEAD)
            part = self.ends(folder, b, work, 3)
            self.assertEqual(("passed", 3), (part["state"], len(part["rows"])))
            self.assertEqual(1, len(self.ends(folder, b, work)["rows"]), "a part that is done starts anew")

    def test_a_part_without_progress_ends(self):
        calls = []

        def run(place, o, b, name, seconds, quick):
            calls.append(name)
            b.put(name, {"state": "unfinished", "why": f"{min(2, len(calls))} done"})
            return "unfinished"

        with tempfile.TemporaryDirectory() as folder, mock.patch.object(report, "run", run), mock.patch.object(
            parts, "of", lambda mode: ["a"]
        ):
            b = book.Book(folder)
            b.start(dict(HEAD, order=["a"]))
            self.assertEqual(1, report.every(None, types.SimpleNamespace(minutes=None, what="quick", out=folder), b))
            self.assertEqual((3, "failed"), (len(calls), b.state("a")))
            self.assertIn("no progress: 2 done", b.data["parts"]["a"]["why"])

    def test_every_part_is_in_order(self):
        self.assertEqual(len({n for n, *_ in parts.PARTS}), len(parts.PARTS))
        self.assertEqual("environment", parts.of("quick")[0])
        self.assertNotIn("whole-simclr", parts.of("quick"))
        self.assertNotIn("whole-try", parts.of("full"))
        tested = [m for n, _, f, _ in parts.PARTS if n.startswith("equal") for m in f.__closure__[0].cell_contents]
        with open(os.path.join(HERE, "methods.txt")) as f:
            self.assertEqual(sorted(f.read().split()), sorted(tested), "every method is compared with the CPU once")

    def test_a_worker_that_dies_is_told(self):
        with tempfile.TemporaryDirectory() as folder:
            os.makedirs(os.path.join(folder, "parts"))
            p = self.part(folder, "")
            p.place.environment = lambda **more: dict(os.environ, **more)
            s = bench.Side(
                p,
                "s",
                [sys.executable, "-c", "import sys; input(); print(0.5, flush=True); input(); sys.exit('no memory')"],
            )
            self.assertEqual(0.5, s.step())
            with self.assertRaisesRegex(Failed, "no memory"):
                s.step()
            s = bench.Side(p, "s", [sys.executable, "-c", "import time; time.sleep(9)"])
            with self.assertRaisesRegex(Failed, "no answer within 1 s"):
                s.step(1)
            s.end()


class Numbers(unittest.TestCase):
    def test_peaks(self):
        self.assertEqual(494.7e12, peaks.peak("NVIDIA H100 80GB HBM3", True))
        self.assertEqual(51.2e12, peaks.peak("NVIDIA H100 PCIe", False))
        self.assertEqual(60e12, peaks.peak("NVIDIA H200 NVL", False))
        self.assertEqual(1250e12, peaks.peak("NVIDIA GB200", True))
        self.assertEqual(183e12, peaks.peak("NVIDIA L40S", True))
        self.assertIsNone(peaks.peak("Unknown", True))
        self.assertEqual("50 %", peaks.share(494.7e12, 2, "NVIDIA H200", True))
        self.assertEqual("", peaks.share(1, 1, "Unknown", True))

    def test_distance_of_checkpoints(self):
        a = {"w": ("F32", [2], struct.pack("<2f", 1, -2)), "n": ("I64", [], struct.pack("<q", 3))}
        b = dict(a, w=("F32", [2], struct.pack("<2f", 1.5, -2)))
        self.assertEqual(0, commands.distance(a, a))
        self.assertEqual(0.25, commands.distance(a, b))
        self.assertEqual(float("inf"), commands.distance(a, {}))
        self.assertEqual(
            float("inf"), commands.distance(a, dict(a, w=("F32", [2], struct.pack("<2f", float("nan"), -2))))
        )


if __name__ == "__main__":
    unittest.main(warnings="ignore")
