package torch

// #include <stdlib.h>
// #include "internal/shim/shim.h"
import "C"

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"unsafe"

	"github.com/sugarme/gotch"

	"github.com/icl-msr/icl-msr/internal/field"
)

// ParseDevice reads cpu, cuda (the first CUDA device) or cuda:i.
func ParseDevice(name string) (gotch.Device, error) {
	index, isCUDA := 0, name == "cuda"
	if rest, ok := strings.CutPrefix(name, "cuda:"); ok {
		n, err := strconv.Atoi(rest)
		index, isCUDA = n, err == nil && n >= 0
	}
	switch {
	case name == "cpu":
		return gotch.CPU, nil
	case !isCUDA:
		return gotch.CPU, field.Errorf("{torch.Device} %s: want cpu, cuda or cuda:i", name)
	}
	return gotch.CudaBuilder(uint(index)), nil
}

// CUDADevices returns the number of usable CUDA devices: 0 in a build for the CPU or without a driver.
func CUDADevices() int { return int(C.icl_cuda_devices()) }

// CUDAState describes CUDA in this process. Versions are numbers like 12020; 0 means unknown.
type CUDAState struct {
	Built   bool   // whether this LibTorch was built for CUDA; if not, the other fields are zero
	Devices int    // 0 after an error
	Said    string // CUDA's error; empty without one
	Driver  int    // the newest CUDA that the driver supports; 0 without a driver
	Release string // the driver's version, as "535.104.05"; empty if unknown
	Runtime int    // the CUDA that LibTorch was built with
	CuDNN   int    // 0 without cuDNN
	Visible string // "CUDA_VISIBLE_DEVICES=..." if that is set
}

// DescribeCUDA returns the state of CUDA in this process.
func DescribeCUDA() CUDAState {
	var s C.icl_cuda_state
	if err := toError(C.icl_cuda_survey(&s), "cuda"); err != nil {
		return CUDAState{Built: true, Said: err.Error()}
	}
	out := CUDAState{Built: s.built != 0, Devices: int(s.devices), Said: C.GoString(&s.said[0]),
		Driver: int(s.driver), Runtime: int(s.runtime), CuDNN: int(s.cudnn)}
	if text, err := os.ReadFile("/proc/driver/nvidia/version"); err == nil {
		out.Release = driverRelease(string(text))
	}
	if v, ok := os.LookupEnv("CUDA_VISIBLE_DEVICES"); ok {
		out.Visible = "CUDA_VISIBLE_DEVICES=" + v
	}
	return out
}

// driverRelease finds the version in the first line of the kernel module's description, as "NVRM version: NVIDIA UNIX
// x86_64 Kernel Module  535.104.05  Sat Aug 19 ...".
func driverRelease(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	for _, word := range strings.Fields(line) {
		if major, rest, ok := strings.Cut(word, "."); ok && rest != "" && len(major) == 3 {
			if _, err := strconv.Atoi(major); err == nil {
				return word
			}
		}
	}
	return ""
}

// GPU describes a GPU.
type GPU struct {
	Name         string
	Major, Minor int   // compute capability
	Memory       int64 // bytes
	Mode         int   // compute mode: 0 shared, 2 prohibited, 3 one process at a time
}

// DescribeGPU asks the driver, which takes no memory of the GPU.
func DescribeGPU(index int) (GPU, error) {
	var c C.icl_cuda_card
	if err := toError(C.icl_cuda_describe(&c, C.int(index)), "cuda"); err != nil {
		return GPU{}, err
	}
	return GPU{Name: C.GoString(&c.name[0]), Major: int(c.major), Minor: int(c.minor),
		Memory: int64(c.memory), Mode: int(c.mode)}, nil
}

// String is as "NVIDIA H100 80GB HBM3, compute capability 9.0, 79.1 GiB".
func (g GPU) String() string {
	return fmt.Sprintf("%s, compute capability %d.%d, %s", g.Name, g.Major, g.Minor, gib(g.Memory))
}

// Versions is as "driver 550.54.14 (CUDA up to 12.4), CUDA 12.1, cuDNN 8.9.2".
func (s CUDAState) Versions() string {
	out := s.driver()
	if s.Runtime > 0 {
		out += ", CUDA " + cudaVersion(s.Runtime)
	}
	if s.CuDNN > 0 {
		out += ", cuDNN " + cudnnVersion(s.CuDNN)
	}
	return out
}

func (s CUDAState) driver() string {
	switch {
	case s.Driver == 0:
		return "no driver"
	case s.Release == "":
		return "driver for CUDA up to " + cudaVersion(s.Driver)
	}
	return fmt.Sprintf("driver %s (CUDA up to %s)", s.Release, cudaVersion(s.Driver))
}

func cudaVersion(v int) string { return fmt.Sprintf("%d.%d", v/1000, v%1000/10) }

// cudnnVersion reads 8902 and, from version 9 on, 90100.
func cudnnVersion(v int) string {
	const nine = 90000
	if v >= nine {
		return fmt.Sprintf("%d.%d.%d", v/10000, v%10000/100, v%100)
	}
	return fmt.Sprintf("%d.%d.%d", v/1000, v%1000/100, v%100)
}

func gib(bytes int64) string { return fmt.Sprintf("%.1f GiB", float64(bytes)/(1<<30)) }

// Architectures lists the GPU architectures that this LibTorch has code for: as "sm_90" for compiled code, as
// "compute_90" for code that the driver compiles when the program starts. It is empty if LibTorch does not tell.
func Architectures() []string {
	var out *C.char
	if toError(C.icl_cuda_config(&out), "cuda") != nil {
		return nil
	}
	defer C.free(unsafe.Pointer(out))
	return architectures(C.GoString(out))
}

// gpuMemory returns the free and the total bytes of a device; ok is false if CUDA does not answer.
func gpuMemory(index int) (free, total int64, ok bool) {
	var f, t C.int64_t
	ok = C.icl_cuda_memory(C.int(index), &f, &t) != 0
	return int64(f), int64(t), ok
}

// CUDAAddress is the PCI address of a device's GPU, as "0000:3b:00.0". Two processes may number the same GPU
// differently, but its address is the same. It is empty if it is unknown, as on the CPU.
func CUDAAddress(device gotch.Device) string {
	const room = 32
	index := deviceIndex(device)
	if index < 0 {
		return ""
	}
	out := (*C.char)(C.calloc(room, 1))
	defer C.free(unsafe.Pointer(out))
	if C.icl_cuda_address(index, out, room) == 0 {
		return ""
	}
	return C.GoString(out)
}

// Synchronize waits for the work queued on a CUDA device. On the CPU it does nothing.
func Synchronize(device gotch.Device) error {
	if deviceIndex(device) < 0 {
		return nil
	}
	return toError(C.icl_cuda_synchronize(deviceIndex(device)), "synchronize")
}

// NCCL returns the version of NCCL in this process, as "2.18.1"; empty without NCCL.
func NCCL() string {
	if v := int(C.icl_nccl_version()); v > 0 {
		return fmt.Sprintf("%d.%d.%d", v/10000, v%10000/100, v%100)
	}
	return ""
}
