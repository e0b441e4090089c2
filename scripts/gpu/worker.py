"""PyTorch's side of the timings. For each line "go" it does one piece of work and prints the seconds. For "flop" it
prints the FLOP of a step. At the end of input it prints its peak memory.

usage: worker.py step|meta METHOD ARCH BATCH THREADS DEVICE SIZE eager|channels-last|compile|max-autotune
"""

import os
import sys
import time

import torch

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "compare"))
import methods  # noqa: E402


def work(mode, method, arch, batch, device, size, variant):
    if mode == "meta":
        return methods.MetaStep("simclr", arch, batch, None, device, size).train()
    step = methods.step(method, arch, batch, device, size, channels_last=variant == "channels-last")
    if variant in ("compile", "max-autotune"):
        step.objective = torch.compile(step.objective, mode="max-autotune" if variant == "max-autotune" else "default")
    return step


def flop(step):
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter:
        step()
    return counter.get_total_flops()


def peak(device):
    """Peak bytes: allocated and reserved for tensors on a GPU, else those of the process."""
    if device.startswith("cuda"):
        return f"{torch.cuda.max_memory_allocated(device)} {torch.cuda.max_memory_reserved(device)}"
    with open("/proc/self/status") as f:
        return next(int(line.split()[1]) * 1024 for line in f if line.startswith("VmHWM:"))


def main():
    mode, method, arch, batch, threads, device, size, variant = sys.argv[1:]
    torch.set_num_threads(int(threads))
    torch.backends.cudnn.benchmark = True  # the setting that favours PyTorch
    if device.startswith("cuda"):
        torch.cuda.set_device(device if ":" in device else 0)
    step = work(mode, method, arch, int(batch), device, int(size), variant)
    wait = torch.cuda.synchronize if device.startswith("cuda") else lambda: None
    for line in sys.stdin:
        if line.strip() == "flop":
            print(flop(step), flush=True)
            continue
        wait()
        start = time.perf_counter()
        step()
        wait()
        print(time.perf_counter() - start, flush=True)
    print(peak(device), flush=True)


if __name__ == "__main__":
    main()
