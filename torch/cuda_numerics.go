package torch

// #include "internal/shim/shim.h"
import "C"

import (
	"fmt"
	"os"

	"github.com/sugarme/gotch"
)

// Numerics say how a CUDA device computes. The CPU has no such choices.
type Numerics struct {
	// TF32 rounds the factors of float32 convolutions to 10 bits and adds in float32. It is PyTorch's default, and several
	// times faster since Ampere. Matrix products stay in float32, as in PyTorch: losses and nearest neighbours compare
	// numbers that TF32 would make equal.
	TF32 bool
	// Deterministic gives the same bits each time on one kind of GPU. In a training step CUDA adds in no fixed order in
	// the derivatives of convolutions (cuDNN has ordered ones), of IndexSelect and IndexCopy (LibTorch sorts first) and of
	// Gather (LibTorch sorts in one dimension, which the shim uses), and in cuBLAS, depending on its workspaces. The
	// derivative of max-pool, batch norms, means and other reductions always have one order. Resizing, cropping and
	// colours have no derivative.
	Deterministic bool
	// Autotune lets cuDNN time its algorithms once for each shape. It is for training, where shapes do not change. With
	// Deterministic it is off, because another algorithm gives other bits.
	Autotune bool
}

const (
	cublasWorkspace = "CUBLAS_WORKSPACE_CONFIG"
	// The larger of the two settings for which NVIDIA promises the same bits: 24 MiB.
	fixedWorkspace = ":4096:8"
)

// SetNumerics sets how the device computes, for the whole process. On the CPU it does nothing. Deterministic must be
// set before the process multiplies matrices on a GPU for the first time.
func SetNumerics(device gotch.Device, n Numerics) error {
	if deviceIndex(device) < 0 {
		return nil
	}
	if n.Deterministic {
		if err := fixWorkspace(); err != nil {
			return err
		}
	}
	return n.set()
}

// fixWorkspace sets cuBLAS's workspace, unless the user has chosen one that is also deterministic.
func fixWorkspace() error {
	if v := os.Getenv(cublasWorkspace); v == fixedWorkspace || v == ":16:8" {
		return nil
	}
	return os.Setenv(cublasWorkspace, fixedWorkspace)
}

func (n Numerics) set() error {
	return toError(C.icl_cuda_set_numerics(C.icl_cuda_numerics{deterministic: flag(n.Deterministic),
		autotune: flag(n.Autotune && !n.Deterministic), tf32_convolutions: flag(n.TF32)}), "numerics")
}

// currentNumerics returns LibTorch's settings. products: matrices are multiplied in TF32.
func currentNumerics() (n Numerics, products bool, err error) {
	var c C.icl_cuda_numerics
	err = toError(C.icl_cuda_get_numerics(&c), "numerics")
	n = Numerics{TF32: c.tf32_convolutions != 0, Deterministic: c.deterministic != 0, Autotune: c.autotune != 0}
	return n, c.tf32_products != 0, err
}

// describe says how a GPU computes. override is NVIDIA_TF32_OVERRIDE.
func (n Numerics) describe(g GPU, override string) string {
	const ampere = 8
	out := "TF32 off"
	switch {
	case g.Major < ampere:
		out = "no TF32 (it came with compute capability 8.0)"
	case n.TF32 && override == "0":
		out = "TF32 off (NVIDIA_TF32_OVERRIDE=0)"
	case n.TF32:
		out = "TF32 in convolutions"
	}
	if n.Deterministic {
		return out + ", deterministic"
	}
	return out + ", not deterministic"
}

// DescribeDevice is one line about the device: its name, versions and numerics. It is empty for the CPU and for a
// device that does not exist.
func DescribeDevice(device gotch.Device, n Numerics) string {
	index := int(deviceIndex(device))
	if index < 0 || index >= CUDADevices() {
		return ""
	}
	g, err := DescribeGPU(index)
	if err != nil {
		return fmt.Sprintf("cuda:%d: %v", index, err)
	}
	how := n.describe(g, os.Getenv("NVIDIA_TF32_OVERRIDE"))
	return fmt.Sprintf("cuda:%d: %s; %s; %s", index, g, DescribeCUDA().Versions(), how)
}
