package dist

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/icl-msr/icl-msr/internal/field"
	"github.com/icl-msr/icl-msr/torch"
)

// Assign chooses the device and the backend of a job's process. device is cpu, cuda (each process of a machine gets a
// GPU of its own) or cuda:i. backend is gloo, nccl or empty: nccl on GPUs, else gloo. gpus is the number of GPUs that
// this machine shows, and built lists the backends that the program was built with. Errors name {dist.Device} and
// {dist.Backend}.
func Assign(device, backend string, p Place, gpus int, built []string) (string, string, error) {
	onGPU := strings.HasPrefix(device, "cuda")
	if backend == "nccl" && !onGPU {
		return "", "", field.Errorf("{dist.Backend} nccl with {dist.Device} %s: NCCL is between GPUs; "+
			"give {dist.Device} cuda, or {dist.Backend} gloo", device)
	}
	usual := "gloo"
	if onGPU {
		usual = "nccl"
	}
	backend = cmp.Or(backend, usual)
	if !slices.Contains(built, backend) {
		return "", "", notBuilt(backend)
	}
	if onGPU && p.LocalSize > 1 {
		var err error
		if device, err = shareOf(device, backend, p, gpus); err != nil {
			return "", "", err
		}
	}
	return device, backend, nil
}

// notBuilt is the error of a backend that the program was built without.
func notBuilt(backend string) error {
	remedy := "the headers of gloo (Debian's libgloo-dev) were missing when LibTorch was set up; " +
		"set it up again on a machine that can download them"
	if backend == "nccl" {
		remedy = "build it with CUDA=1 (CUDA=1 make build), or give {dist.Backend} gloo"
	}
	return field.Errorf("{dist.Backend} %s: this program was built without it: "+remedy, backend)
}

// shareOf is the GPU of one of several processes on this machine.
func shareOf(device, backend string, p Place, gpus int) (string, error) {
	switch {
	case p.OwnGPU && gpus == 1: // Slurm may show each of its tasks a different one
		return "cuda:0", nil
	case device != "cuda" && backend == "nccl":
		return "", field.Errorf("{dist.Device} %s with %d processes on this machine: all would be on one GPU, "+
			"which NCCL cannot do; give {dist.Device} cuda, which gives each its own, or {dist.Backend} gloo",
			device, p.LocalSize)
	case device != "cuda":
		return device, nil
	case p.LocalSize > gpus:
		return "", field.Errorf("{dist.Device} cuda: %d processes on this machine, and this program sees %d GPUs on it: "+
			"start one process for each GPU (--nproc-per-node, --ntasks-per-node), show it more (CUDA_VISIBLE_DEVICES), "+
			"let all share one by {dist.Device} cuda:0 and {dist.Backend} gloo, or give {dist.Device} cpu",
			p.LocalSize, gpus)
	}
	return fmt.Sprintf("cuda:%d", p.LocalRank), nil
}

// onlyGPU is what no two ranks may share: with NCCL a GPU, by its address and the boot of its machine. Its value is
// empty if the GPU is unknown.
func onlyGPU(d torch.Device, backend string) Setting {
	f := Setting{Name: "the GPU"}
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if address := torch.CUDAAddress(d); backend == "nccl" && address != "" && err == nil {
		f.Value = fmt.Sprintf("PCI %s of machine %.8s", address, boot)
	}
	return f
}
