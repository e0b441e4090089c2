package dist

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/sugarme/gotch"

	"github.com/icl-msr/icl-msr/torch"
)

// Assign settles the device of a job's process and how it talks to the others,
// on a machine with so many GPUs, in a program with these backends: device is cpu,
// cuda (each of a machine's processes gets its own) or cuda:i; backend is gloo, nccl
// or, for the usual one, empty.
func Assign(device, backend string, p Place, gpus int, built []string) (string, string, error) {
	onGPU := strings.HasPrefix(device, "cuda")
	switch {
	case backend == "nccl" && !onGPU:
		return "", "", fmt.Errorf("--backend nccl with --device %s: NCCL is between GPUs; give --device cuda, or --backend gloo", device)
	case backend == "" && onGPU:
		backend = "nccl"
	case backend == "":
		backend = "gloo"
	}
	if !slices.Contains(built, backend) {
		return "", "", fmt.Errorf("--backend %s: this program was built without it: %s", backend, map[string]string{
			"nccl": "build it with CUDA=1 (CUDA=1 make build), or give --backend gloo",
			"gloo": "gloo's headers (Debian's libgloo-dev) were not to be had when LibTorch was set up; set it up again where they are",
		}[backend])
	}
	if !onGPU || p.LocalSize == 1 {
		return device, backend, nil
	}
	switch {
	case p.OwnGPU && gpus == 1: // Slurm may show each of its tasks another one
		return "cuda:0", backend, nil
	case device != "cuda" && backend == "nccl":
		return "", "", fmt.Errorf("--device %s with %d processes on this machine: all would be on one GPU, which NCCL cannot do; give --device cuda, by which each has its own, or --backend gloo", device, p.LocalSize)
	case device != "cuda":
		return device, backend, nil
	case p.LocalSize > gpus:
		return "", "", fmt.Errorf("--device cuda: %d processes on this machine, and this program sees %d GPUs on it: start one process for each GPU (--nproc-per-node, --ntasks-per-node), show it more (CUDA_VISIBLE_DEVICES), let all share one by --device cuda:0 --backend gloo, or give --device cpu", p.LocalSize, gpus)
	}
	return fmt.Sprintf("cuda:%d", p.LocalRank), backend, nil
}

// onlyGPU is what no two ranks may have alike: with NCCL, a GPU, by the running
// kernel of its machine and its place there. It is empty where that is unknown.
func onlyGPU(d gotch.Device, backend string) Setting {
	f := Setting{Name: "the GPU"}
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if address := torch.CUDAAddress(d); backend == "nccl" && address != "" && err == nil {
		f.Value = fmt.Sprintf("PCI %s of machine %.8s: NCCL needs another for each; start one process for each GPU, or give --backend gloo", address, boot)
	}
	return f
}
