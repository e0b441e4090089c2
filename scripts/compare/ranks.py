"""The part of compare.py about data-parallel jobs: two processes against one, and against DistributedDataParallel.

Both jobs are two processes of one thread with Gloo over the loopback. Both processes of a job are asked for a step at
once, and the time of the slower one counts. The kernel counts the bytes that a process writes (/proc/PID/io).

PyTorch's job is DistributedDataParallel with default settings, with the embeddings of both ranks gathered. A second
such job keeps freed memory for the next step, as this program does. Each of its ranks normalises by its own pictures,
and rank 0 sends its running statistics to all.

The rows "norms of each" are this program with --sync-batch-norm=false, which does the same but averages running
statistics. The rows "norms over both" are the default, which PyTorch cannot do on CPUs.

`ranks.py --worker BATCH` is one of PyTorch's ranks. RANK, WORLD_SIZE, MASTER_ADDR and MASTER_PORT select it.
"""

import os
import socket
import statistics
import subprocess
import sys
import time

import sides

NOTE = """DDP normalises the pictures of each process alone, as "norms of each" does. There is no row of DDP
with norms over both, since PyTorch's SyncBatchNorm needs GPUs."""

HERE = os.path.dirname(os.path.abspath(__file__))
RANKS, MB = 2, 2.0**20
FLOAT = 4  # bytes
KEEP = {
    "MALLOC_MMAP_MAX_": "0",
    "MALLOC_TRIM_THRESHOLD_": "2000000000",
}  # the settings of glibc that this program makes


def worker(batch):
    import torch
    import torch.distributed as dist

    import methods

    torch.set_num_threads(1)
    dist.init_process_group("gloo")

    class Gather(torch.autograd.Function):
        """Gathers the tensors of all ranks, [ranks, ...]. All ranks compute the same loss of them. So the gradient
        is that of this rank's share times the number of ranks, by which DistributedDataParallel divides."""

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
        with socket.socket() as s:  # a free port
            s.bind(("127.0.0.1", 0))
            port = s.getsockname()[1]
        self.ranks = []
        for rank in range(RANKS):
            place = {
                "RANK": rank,
                "LOCAL_RANK": rank,
                "WORLD_SIZE": RANKS,
                "LOCAL_WORLD_SIZE": RANKS,
                "MASTER_ADDR": "127.0.0.1",
                "MASTER_PORT": port,
                "OMP_NUM_THREADS": 1,
            }
            env = {**os.environ, "GLOO_SOCKET_IFNAME": "lo", **{k: str(v) for k, v in place.items()}, **settings}
            pipe = subprocess.PIPE
            self.ranks.append(subprocess.Popen(command, env=env, stdin=pipe, stdout=pipe, text=True))
        self.seconds, self.sent, self.traffic = [], [], []
        self.step()

    def step(self):
        """Does a step. Returns a list of numbers for each rank, of which the first is its seconds."""
        for p in self.ranks:
            p.stdin.write("go\n")
            p.stdin.flush()
        return [[float(x) for x in self.line(p).split()] for p in self.ranks]

    def once(self):
        """Does a step. Keeps the time of the slower rank, and the bytes and traffic of rank 0."""
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
        """Ends the job. Returns the sum of the ranks' peak memory."""
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
    """Bytes that a rank has to send in a step with ring algorithms. Gradients are summed and embeddings gathered.
    Each batch norm gathers two numbers for each channel, and sums two in the backward pass. Returns the bytes that
    both jobs need, the bytes that batch norms add, and the number of batch norms."""
    import torch

    import methods

    net = torch.nn.Sequential(methods.backbone("resnet18"), methods.head(512))
    norms = [m.num_features for m in net.modules() if isinstance(m, torch.nn.modules.batchnorm._BatchNorm)]
    summed, gathered = 2 * (RANKS - 1) / RANKS * FLOAT, (RANKS - 1) * FLOAT  # of one number on each rank
    plain = summed * sum(p.numel() for p in net.parameters()) + gathered * 2 * batch // RANKS * methods.DIM
    return plain, 2 * sum(norms) * (gathered + summed), len(norms)


def start(o):
    """The jobs and the single process, after a first step."""
    compare = sides.PROGRAM
    worker = [sys.executable, os.path.abspath(__file__), "--worker", str(o.batch)]
    return {
        "both": Job([compare, "rank-step", "simclr", "resnet18", str(o.batch), "1"]),
        "each": Job([compare, "rank-step-local", "simclr", "resnet18", str(o.batch), "1"]),
        "torch": Job(worker),
        "keeping": Job(worker, **KEEP),
        "one": sides.ours("step", o.batch, RANKS),
    }


def measure(table, o):
    """Adds the rows."""
    jobs = start(o)
    for _ in range(o.rounds):
        jobs["one"].time()
        for job in ("both", "torch", "each", "keeping"):
            jobs[job].once()
    seconds = {name: statistics.median(job.seconds) for name, job in jobs.items()}
    times(table, o, seconds)
    traffic(table, o, jobs)
    peaks = {name: job.peak() for name, job in jobs.items()}
    theirs, one = peaks["torch"] / MB, peaks["one"]
    for kind, name in (("over both", "both"), ("of each", "each")):
        table.pair(f"peak memory of {RANKS} processes, norms {kind}, against DDP", peaks[name] / MB, theirs, "MB")
    name = f"peak memory of {RANKS} processes, norms over both, against 1 of {RANKS} threads"
    table.pair(name, peaks["both"] / MB, one, "MB")
    print(NOTE, flush=True)


def times(table, o, seconds):
    both, each = (f"SimCLR step, batch {o.batch}, {RANKS} processes, norms {kind}" for kind in ("over both", "of each"))
    for name, job in ((both, "both"), (each, "each")):
        table.pair(f"{name}, against DDP", seconds[job], seconds["torch"], "s", "<=1.05")
    for name, job in ((both, "both"), (each, "each")):
        table.pair(f"{name}, against DDP keeping memory", seconds[job], seconds["keeping"])
    table.pair(f"{both}, against of each", seconds["both"], seconds["each"])
    for name, job in ((both, "both"), (each, "each")):
        table.pair(f"{name}, against 1 of {RANKS} threads", seconds[job], seconds["one"])
    table.pair(f"1 process of {RANKS} threads, against DDP of {RANKS} processes", seconds["one"], seconds["torch"])


def traffic(table, o, jobs):
    middle = statistics.median
    calls, put, busy, waited = (middle(x) for x in zip(*jobs["both"].traffic))
    few = [middle(x) for x in zip(*jobs["each"].traffic)]
    plain, norms, _ = minimum(o.batch)
    least, sent = (plain + norms) / MB, {name: middle(jobs[name].sent) / MB for name in ("both", "each", "torch")}
    table.pair("norms over both: sent in a step by a process, against the minimum", sent["both"], least, "MB")
    table.pair("the same as its process group counts it", put / MB, least, "MB")
    table.pair("norms of each: sent in a step by a process, against DDP", sent["each"], sent["torch"], "MB")
    table.pair("operations of a step, norms over both against of each", calls, few[0], "")
    table.pair("norms over both: their time hidden behind work, against all of it", busy - waited, busy)
    table.pair("norms of each: their time hidden behind work, against all of it", few[2] - few[3], few[2])


if __name__ == "__main__":
    if sys.argv[1:2] != ["--worker"] or len(sys.argv) != 3:
        sys.exit("usage: ranks.py --worker BATCH; compare.py --only-ranks measures")
    worker(int(sys.argv[2]))
