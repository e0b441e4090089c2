"""Two processes against one, and against PyTorch's DistributedDataParallel: the
part of compare.py about data-parallel jobs.

Both jobs are two processes of one thread that talk by Gloo over the loopback,
and are asked together for a step; the slower one's time counts. Bytes sent are
what the kernel counts as written by a process (/proc/PID/io). PyTorch's job is
DistributedDataParallel as it comes (and once more with freed memory kept for the
next step, as ours does), with embeddings of both ranks gathered. Each
of its ranks normalises by its own pictures, and rank 0's running statistics are
sent to all. Ours does so too in the rows "norms of each" (--sync-batch-norm=false;
running statistics are averaged); in the rows "norms over both", as is the default,
it does more, which PyTorch cannot on CPUs.

`ranks.py --worker BATCH` is one of PyTorch's ranks; RANK, WORLD_SIZE, MASTER_ADDR
and MASTER_PORT say which.
"""

import os
import socket
import statistics
import subprocess
import sys
import time

NOTE = """DDP normalises each process's pictures by themselves, as "norms of each" does. There is no row of DDP
with norms over both: PyTorch's SyncBatchNorm expects GPUs, on CPUs it stops with an error."""

HERE = os.path.dirname(os.path.abspath(__file__))
RANKS = 2
FLOAT = 4  # bytes
KEEP = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": "2000000000"}  # what this program asks of glibc by itself


def worker(batch):
    import torch
    import torch.distributed as dist

    import methods

    torch.set_num_threads(1)
    dist.init_process_group("gloo")

    class Gather(torch.autograd.Function):
        """[ranks, ...] of each rank's tensor. Every rank computes the same loss of
        it, so the gradient is that of its own part, times the number by which
        DistributedDataParallel divides."""

        @staticmethod
        def forward(ctx, x):
            parts = [torch.empty_like(x) for _ in range(dist.get_world_size())]
            dist.all_gather(parts, x)
            return torch.stack(parts)

        @staticmethod
        def backward(ctx, grad):
            return grad[dist.get_rank()] * dist.get_world_size()

    class Step(methods.Step):
        def build(self, arch):
            super().build(arch)
            self.both = torch.nn.parallel.DistributedDataParallel(torch.nn.Sequential(self.f, self.g))

        def embed(self):
            z = Gather.apply(self.both(self.views).contiguous())  # [ranks, 2n, d]
            return [half.flatten(0, 1) for half in z.chunk(2, dim=1)]

    step = Step("simclr", "resnet18", batch // dist.get_world_size(), methods.nt_xent).train()
    for _ in sys.stdin:
        start = time.perf_counter()
        step()
        print(time.perf_counter() - start, flush=True)
    with open("/proc/self/status") as f:
        print(next(int(line.split()[1]) * 1024 for line in f if line.startswith("VmHWM:")), flush=True)
    dist.barrier()
    dist.destroy_process_group()


class Job:
    """The processes of a data-parallel job, each with one thread."""

    def __init__(self, command, **settings):
        with socket.socket() as s:  # a port that nothing listens on right now
            s.bind(("127.0.0.1", 0))
            port = s.getsockname()[1]
        self.ranks = []
        for rank in range(RANKS):
            place = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": RANKS, "LOCAL_WORLD_SIZE": RANKS, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
            env = {**os.environ, "OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo", **{k: str(v) for k, v in place.items()}, **settings}
            self.ranks.append(subprocess.Popen(command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
        self.seconds, self.sent, self.traffic = [], [], []
        self.step()

    def step(self):
        """Does a step: a line of numbers of each rank, the first its seconds."""
        for p in self.ranks:
            p.stdin.write("go\n")
            p.stdin.flush()
        return [[float(x) for x in self.line(p).split()] for p in self.ranks]

    def once(self):
        """Does a step and keeps the slower rank's time, and rank 0's bytes and traffic."""
        before = written(self.ranks[0])
        lines = self.step()
        self.sent.append(written(self.ranks[0]) - before)
        self.seconds.append(max(line[0] for line in lines))
        self.traffic.append(lines[0][1:])

    def line(self, p):
        line = p.stdout.readline()
        if not line:
            sys.exit(f"compare: {' '.join(p.args)} ended early; its own message, if it had one, is above")
        return line

    def peak(self):
        """Ends the job, and returns the memory of all ranks together."""
        for p in self.ranks:
            p.stdin.close()
        peak = sum(int(self.line(p)) for p in self.ranks)
        for p in self.ranks:
            p.wait()
        return peak


def written(process):
    with open(f"/proc/{process.pid}/io") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("wchar:"))


def minimum(batch):
    """Bytes that a rank has to send in a step, by rings: gradients are summed,
    embeddings gathered, and each batch norm gathers two numbers a channel and sums
    two going back. Returns what both jobs need, what batch norms add, and their number."""
    import torch

    import methods

    net = torch.nn.Sequential(methods.backbone("resnet18"), methods.head(512))
    norms = [m.num_features for m in net.modules() if isinstance(m, torch.nn.modules.batchnorm._BatchNorm)]
    summed, gathered = 2 * (RANKS - 1) / RANKS * FLOAT, (RANKS - 1) * FLOAT  # of one number on each rank
    plain = summed * sum(p.numel() for p in net.parameters()) + gathered * 2 * batch // RANKS * methods.DIM
    return plain, 2 * sum(norms) * (gathered + summed), len(norms)


def measure(rows, add, one, o):
    """Adds the rows; one is this program's process of two threads."""
    mb = 2.0**20

    def ours(mode):
        return Job([os.path.join(os.path.dirname(os.path.dirname(HERE)), "bin", "compare"), mode, "simclr", "resnet18", str(o.batch), "1"])

    two, local = ours("rank-step"), ours("rank-step-local")
    worker = [sys.executable, os.path.abspath(__file__), "--worker", str(o.batch)]
    torch, keeping = Job(worker), Job(worker, **KEEP)
    for _ in range(o.rounds):
        one.seconds.append(one.once())
        for job in (two, torch, local, keeping):
            job.once()
    middle = statistics.median
    a, b, c, d, e = (middle(side.seconds) for side in (one, two, torch, local, keeping))
    both, each = (f"SimCLR step, batch {o.batch}, {RANKS} processes, norms {kind}" for kind in ("over both", "of each"))
    add(rows, f"{both}, against PyTorch's DDP", b, c, "s", "<= 1.05")
    add(rows, f"{each}, against PyTorch's DDP", d, c, "s", "<= 1.05")
    add(rows, f"{both}, against DDP that keeps freed memory", b, e, "s", "none")
    add(rows, f"{each}, against DDP that keeps freed memory", d, e, "s", "none")
    add(rows, f"{both}, against of each", b, d, "s", "none")
    add(rows, f"{both}, against 1 of {RANKS} threads", b, a, "s", "none")
    add(rows, f"{each}, against 1 of {RANKS} threads", d, a, "s", "none")
    add(rows, f"1 process of {RANKS} threads, against PyTorch's DDP of {RANKS} processes", a, c, "s", "none")
    calls, put, busy, waited = (middle(x) for x in zip(*two.traffic))
    few = [middle(x) for x in zip(*local.traffic)]
    plain, norms, _ = minimum(o.batch)
    add(rows, "norms over both: sent in a step by a process, against the minimum", middle(two.sent) / mb, (plain + norms) / mb, "MB", "none")
    add(rows, "the same as its process group counts it", put / mb, (plain + norms) / mb, "MB", "none")
    add(rows, "norms of each: sent in a step by a process, against DDP's", middle(local.sent) / mb, middle(torch.sent) / mb, "MB", "none")
    add(rows, "operations of a step, norms over both against of each", calls, few[0], "", "none")
    add(rows, "norms over both: their time hidden behind work, against all of it", busy - waited, busy, "s", "none")
    add(rows, "norms of each: their time hidden behind work, against all of it", few[2] - few[3], few[2], "s", "none")
    ours, each, theirs = two.peak(), local.peak(), torch.peak()
    keeping.peak()
    add(rows, f"memory of {RANKS} processes, norms over both, against DDP's", ours / mb, theirs / mb, "MB", "none")
    add(rows, f"memory of {RANKS} processes, norms of each, against DDP's", each / mb, theirs / mb, "MB", "none")
    add(rows, f"memory of {RANKS} processes, norms over both, against 1 of {RANKS} threads", ours / mb, one.peak() / mb, "MB", "none")
    print(NOTE, flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] != ["--worker"] or len(sys.argv) != 3:
        sys.exit("usage: ranks.py --worker BATCH; compare.py --only-ranks measures")
    worker(int(sys.argv[2]))
