"""The processes that compare.py compares, and how it times them."""

import os
import select
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
PROGRAM = os.path.join(os.path.dirname(os.path.dirname(HERE)), "bin", "compare")
WARM = 3  # steps of torch.compile before the timing, since it may compile the second one again


class Side:
    """One worker process. After a failure, `why` has the reason, and further calls do nothing."""

    def __init__(self, command, limit=None, warm=1, env=None):
        started = time.perf_counter()
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env)
        self.limit, self.why, self.seconds = limit, None, []
        self.warm = [self.once()]
        self.first = time.perf_counter() - started
        self.warm += [self.once() for _ in range(warm - 1)]

    def once(self):
        """Seconds of one piece of work, or None after a failure."""
        if self.why:
            return None
        try:
            self.process.stdin.write("go\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass  # the process ended, and so does its output
        if self.limit and not select.select([self.process.stdout], [], [], self.limit)[0]:
            return self.fail(f"too long: over {self.limit:.0f} s in the first step")
        line = self.process.stdout.readline()
        if line.startswith("failed: "):
            return self.fail(line[len("failed: "):].strip())
        if not line and self.limit:
            return self.fail("crashed: its own message, if it had one, is above")
        if not line:
            sys.exit(f"compare: {' '.join(self.process.args)} ended early; its own message, if it had one, is above")
        return float(line)

    def fail(self, why):
        self.why = why
        self.process.kill()
        self.process.wait()

    def time(self):
        self.seconds.append(self.once())

    def median(self):
        return None if self.why else statistics.median(self.seconds)

    def compiling(self):
        """Seconds that the first steps took in excess of later ones."""
        return None if self.why else sum(self.warm) - len(self.warm) * self.median()

    def peak(self):
        """Ends the process. Returns its peak memory in MB."""
        if self.why:
            return None
        self.process.stdin.close()
        peak = int(self.process.stdout.readline()) / 2**20
        self.process.wait()
        return peak


def ours(mode, batch, threads, method="simclr", arch="resnet18"):
    return Side([PROGRAM, mode, method, arch, str(batch), str(threads)])


def theirs(mode, batch, threads, method="simclr", arch="resnet18", way="eager", **more):
    worker = [sys.executable, "-W", "ignore", os.path.join(HERE, "worker.py")]
    return Side([*worker, mode, method, arch, str(batch), str(threads), way], **more)


def beside(o, mode, batch, threads, method="simclr", arch="resnet18", way=None, step=False):
    """Starts this program, PyTorch eager and, for a step, the further sides that were asked for. way is this
    program's name of the mode if it has another one."""
    work = (batch, threads, method, arch)
    sides = {"ours": ours(way or mode, *work), "eager": theirs(mode, *work)}
    if step and o.channels_last:
        sides["channels_last"] = theirs(mode, *work, way="channels-last")
    if step and o.compile:
        cache = tempfile.TemporaryDirectory()  # an empty cache, so that everything is compiled and timed
        env = {**os.environ, "TORCHINDUCTOR_CACHE_DIR": cache.name, "TORCHINDUCTOR_FX_GRAPH_CACHE": "0"}
        sides["compiled"] = theirs(mode, *work, way="compiled", limit=o.compile_limit, warm=WARM, env=env)
        sides["compiled"].cache = cache  # removed with the side
    return sides


def in_turn(sides, rounds):
    for _ in range(rounds):
        for side in sides.values():
            side.time()
