package torch

import (
	"errors"
	"fmt"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/sugarme/gotch"

	"github.com/icl-msr/icl-msr/internal/field"
)

// Texts as CUDA and LibTorch print them, from 2.1 to 2.15.
const (
	oldMemory = "CUDA out of memory. Tried to allocate 20.00 MiB. GPU 0 has a total capacty of 79.15 GiB of which 12.31 " +
		"MiB is free. " +
		"Process 4711 has 40.00 GiB memory in use. Including non-PyTorch memory, this process has 39.13 GiB memory in use. " +
		"Of the allocated memory 37.65 GiB is allocated by PyTorch, and 812.20 MiB is reserved by PyTorch but unallocated. " +
		"If reserved but unallocated memory is large try setting max_split_size_mb to avoid fragmentation.  See " +
		"documentation for Memory Management and PYTORCH_CUDA_ALLOC_CONF"
	newMemory = "CUDA out of memory. Tried to allocate 2.00 GiB. GPU 1 has a total capacity of 139.80 GiB of which 1.06 " +
		"GiB is free. " +
		"Including non-PyTorch memory, this process has 138.73 GiB memory in use. Of the allocated memory 130.00 GiB is " +
		"allocated by PyTorch, " +
		"and 1.00 GiB is reserved by PyTorch but unallocated."
	tooOld = "The NVIDIA driver on your system is too old (found version 12020). Please update your GPU driver by " +
		"downloading and installing a new version from the URL: " +
		"http://www.nvidia.com/Download/index.aspx Alternatively, go to: https://pytorch.org to install a PyTorch version " +
		"that has been compiled with your version of the CUDA driver."
)

func hopper() facts {
	return facts{
		name:      "cuda:0 (NVIDIA H100 80GB HBM3)",
		card:      GPU{Name: "NVIDIA H100 80GB HBM3", Major: 9},
		version:   "2.1.0",
		CUDAState: CUDAState{Built: true, Devices: 1, Driver: 12020, Release: "535.104.05", Runtime: 13000},
	}
}

func TestWhatCUDASaysGetsItsRemedy(t *testing.T) {
	const h100 = "cuda:0 (NVIDIA H100 80GB HBM3)"
	room, known, prohibited, pascal := hopper(), hopper(), hopper(), hopper()
	room.room = "give a smaller --batch-size"
	known.free, known.total = 1<<30, 80<<30
	prohibited.card.Mode = 2
	pascal.card, pascal.name, pascal.version = GPU{Name: "Tesla P100", Major: 6}, "cuda:0 (Tesla P100)", "2.11.0"
	pascal.archs = []string{"sm_75", "sm_80", "sm_120"}
	const old = "driver 535.104.05 supports CUDA up to 12.2, and this build needs 13.0: update the driver, or build " +
		"with TORCH=2.6.0 (CUDA 12.4)"
	const busy = h100 + " is in use by another process that has it for itself: wait, choose another {torch.Device}, or " +
		"share it by nvidia-smi -c DEFAULT (nvidia-smi lists the processes)"
	for _, c := range []struct {
		said string
		f    facts
		want string
	}{
		{oldMemory, room, h100 + " is out of memory: 12.31 MiB of 79.15 GiB are free, process 4711 has 40.00 GiB, 20.00 " +
			"MiB were asked for; give a smaller --batch-size"},
		{newMemory, hopper(), h100 + " is out of memory: 1.06 GiB of 139.80 GiB are free, 2.00 GiB were asked for"},
		{"CUDA error: out of memory", known, h100 + " is out of memory: 1.0 GiB of 80.0 GiB are free"},
		{"CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`", facts{}, "the GPU is out of memory"},
		{"cuDNN error: CUDNN_STATUS_ALLOC_FAILED", hopper(), h100 + " is out of memory"},
		{tooOld, hopper(), old},
		{"CUDA driver version is insufficient for CUDA runtime version", hopper(), old},
		{"CUDA error: no kernel image is available for execution on the device", pascal,
			"cuda:0 (Tesla P100): Tesla P100 has compute capability 6.0, for which LibTorch 2.11.0 has no kernels (it has " +
				"7.5, 8.0, 12.0): build with an older one, as TORCH=2.6.0, which has 5.0 to 9.0"},
		{"CUDA error: no kernel image is available for execution on the device", hopper(), h100 +
			": this LibTorch has no kernels for it: build with another one (TORCH=X.Y.Z or LIBTORCH=DIR)"},
		{"CUDA error: all CUDA-capable devices are busy or unavailable", hopper(), busy},
		{"CUDA error: CUDA-capable device(s) is/are busy or unavailable", hopper(), busy},
		{"CUDA error: all CUDA-capable devices are busy or unavailable", prohibited, h100 +
			" is in compute mode prohibited: nvidia-smi -c DEFAULT allows programs on it again, or choose another " +
			"{torch.Device}"},
		{"CUDA error: exclusive-thread device already in use by a different thread", hopper(), busy},
		{"CUDA error: invalid device ordinal", hopper(), h100 +
			": invalid device ordinal: no such GPU: see CUDA_VISIBLE_DEVICES and nvidia-smi"},
		{"CUDA error: an illegal memory access was encountered", facts{},
			"the GPU: an illegal memory access was encountered: run again with CUDA_LAUNCH_BLOCKING=1 to see where"},
		{"adaptive_max_pool2d_backward_cuda does not have a deterministic implementation, but you set " +
			"'torch.use_deterministic_algorithms(True)'.", hopper(),
			"{torch.Deterministic}: CUDA has no adaptive_max_pool2d_backward_cuda that gives the same bits each time: leave " +
				"{torch.Deterministic} out"},
		{"Deterministic behavior was enabled with either `torch.use_deterministic_algorithms(True)` or " +
			"`at::Context::setDeterministicAlgorithms(true)`, but this operation is not deterministic because it uses CuBLAS " +
			"and you have CUDA >= 10.2. To enable deterministic behavior in this case, you must set an environment variable " +
			"before running your PyTorch application: CUBLAS_WORKSPACE_CONFIG=:4096:8 or " +
			"CUBLAS_WORKSPACE_CONFIG=:16:8.", hopper(),
			"{torch.Deterministic}: this process has multiplied matrices on a GPU before: set CUBLAS_WORKSPACE_CONFIG=:4096:8 " +
				"before it starts"},
		{"[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate memory: you tried to allocate " +
			"268435456 bytes. Error code 12 (Cannot allocate memory)", room,
			"this machine is out of memory: 0.2 GiB more were asked for; give a smaller --batch-size"},
		{"[enforce fail at alloc_cpu.cpp:116] data. DefaultCPUAllocator: not enough memory: you tried to allocate " +
			"34359738368 bytes.", facts{}, "this machine is out of memory: 32.0 GiB more were asked for"},
		{"The size of tensor a (2) must match the size of tensor b (3)", hopper(), ""},
	} {
		got := explained(c.said, c.f)
		assert.Equal(t, c.want, got, c.said)
		assert.NotContains(t, got, "\n")
	}
}

func TestWhyADeviceIsNotThere(t *testing.T) {
	const none = "this program sees 0 CUDA devices: "
	insufficient := "CUDA driver version is insufficient for CUDA runtime version"
	for _, c := range []struct {
		s     CUDAState
		index int
		want  string
	}{
		{CUDAState{}, 0, none + "it was built for the CPU; build it with CUDA=1 (CUDA=1 make build), or give {torch.Device} " +
			"cpu"},
		{CUDAState{Built: true, Said: insufficient, Runtime: 12010}, 0, none +
			"no NVIDIA driver was found; install one (in a container: start it with --gpus all), or give {torch.Device} cpu"},
		{CUDAState{Built: true, Said: insufficient, Driver: 12020, Release: "535.104.05", Runtime: 13000}, 0,
			none + "driver 535.104.05 supports CUDA up to 12.2, and this build needs 13.0: update the driver, or build with " +
				"TORCH=2.6.0 (CUDA 12.4)"},
		{CUDAState{Built: true, Said: insufficient, Driver: 12090, Runtime: 13000}, 0,
			none + "the NVIDIA driver supports CUDA up to 12.9, and this build needs 13.0: update the driver, or build with " +
				"TORCH=2.8.0 (CUDA 12.8)"},
		{CUDAState{Built: true, Said: insufficient, Driver: 11040, Release: "470.42.01", Runtime: 12010}, 0,
			none + "driver 470.42.01 supports CUDA up to 11.4, and this build needs 12.1: update the driver"},
		{CUDAState{Built: true, Said: "no CUDA-capable device is detected", Driver: 12020, Visible: "CUDA_VISIBLE_DEVICES="},
			0,
			none + "CUDA_VISIBLE_DEVICES= shows it none; nvidia-smi lists those of the machine"},
		{CUDAState{Built: true, Driver: 12020}, 0, none + "the driver shows it none; nvidia-smi lists those of the machine"},
		{CUDAState{Built: true, Said: "system not yet initialized", Driver: 12020}, 0,
			none + "the GPU: system not yet initialized: start the fabric manager (systemctl start nvidia-fabricmanager)"},
		{CUDAState{Built: true, Said: "initialization error", Driver: 12020}, 0, none +
			`CUDA says "initialization error"; see whether nvidia-smi works`},
		{CUDAState{Built: true, Devices: 2, Driver: 12020}, 3,
			"this program sees 2 CUDA devices: give {torch.Device} one of cuda:0 to cuda:1"},
		{CUDAState{Built: true, Devices: 1, Driver: 12020}, 1, "this program sees 1 CUDA device: give {torch.Device} cuda"},
		{CUDAState{Built: true, Devices: 2, Driver: 12020}, 1, ""},
	} {
		assert.Equal(t, c.want, c.s.missing(c.index))
	}
}

func TestKernelsForACard(t *testing.T) {
	const of21 = "  - Built with CUDA Runtime 12.1\n  - NVCC architecture flags: " +
		"-gencode;arch=compute_50,code=sm_50;-gencode;arch=compute_80,code=sm_80;-gencode;arch=compute_90,code=sm_90\n  - " +
		"CuDNN 8.9.2\n"
	assert.Equal(t, []string{"sm_50", "sm_80", "sm_90"}, architectures(of21))
	assert.Equal(t, []string{"sm_90a", "compute_120", "sm_120"},
		architectures("NVCC architecture flags: "+
			"-gencode;arch=compute_90a,code=sm_90a;-gencode;arch=compute_120,code=[compute_120,sm_120]"))
	assert.Empty(t, architectures("PyTorch built with:\n  - GCC 9.3\n"))
	card := func(major, minor int) GPU { return GPU{Name: "GPU", Major: major, Minor: minor} }
	for _, c := range []struct {
		archs        []string
		major, minor int
		want         string // part of the message; empty: it has kernels
	}{
		{architectures(of21), 9, 0, ""},
		{architectures(of21), 8, 9, ""}, // Ada runs Ampere's code
		{architectures(of21), 7, 5, "compute capability 7.5, for which LibTorch 2.1.0 has no kernels (it has 5.0, 8.0, " +
			"9.0): build with an older one"},
		{architectures(of21), 10, 0, "build with a newer one, as TORCH=2.8.0, which has up to 12.0"},
		{[]string{"sm_90a"}, 9, 0, ""},
		{[]string{"sm_90a", "sm_100a"}, 10, 3, "has no kernels"},
		{[]string{"compute_90"}, 12, 0, ""}, // compiled at the start
		{[]string{"compute_90"}, 8, 0, "has no kernels"},
		{nil, 12, 0, ""}, // not known
	} {
		got := noKernels(card(c.major, c.minor), c.archs, "2.1.0")
		assert.Equal(t, c.want == "", got == "", "%v, %d.%d: %s", c.archs, c.major, c.minor, got)
		assert.Contains(t, got, c.want)
	}
}

func TestVersionsOfDriverAndCUDA(t *testing.T) {
	assert.Equal(t, "535.104.05", driverRelease("NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.104.05  Sat Aug 19 "+
		"01:15:15 UTC 2023\nGCC version:  gcc version 12.2.0\n"))
	assert.Equal(t, "570.86.15", driverRelease("NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  570.86.15  "+
		"Release Build  (dvs-builder)\n"))
	assert.Empty(t, driverRelease(""))
	assert.Equal(t, "driver 550.54.14 (CUDA up to 12.4), CUDA 12.1, cuDNN 8.9.2",
		CUDAState{Driver: 12040, Release: "550.54.14", Runtime: 12010, CuDNN: 8902}.Versions())
	assert.Equal(t, "no driver, CUDA 13.0, cuDNN 9.19.0", CUDAState{Runtime: 13000, CuDNN: 91900}.Versions())
	assert.Equal(t, "NVIDIA H100 80GB HBM3, compute capability 9.0, 79.2 GiB",
		GPU{Name: "NVIDIA H100 80GB HBM3", Major: 9, Memory: 85_045_870_592}.String())
}

func TestFaultsKeepTheirCause(t *testing.T) {
	said := &Error{Op: "conv2d", Message: "CUDA error: out of memory"}
	err := Explain(fmt.Errorf("step 3: %w", said), gotch.CPU, "give less")
	var fault *Fault
	require.ErrorAs(t, err, &fault)
	require.ErrorIs(t, err, said)
	assert.Equal(t, "the GPU is out of memory; give less", err.Error())
	assert.Same(t, err, Explain(err, gotch.CPU, "give more"), "told once")
	flags := func(string) string { return "--flag" }
	said.Message = "CUDA error: CUDA-capable device(s) is/are busy or unavailable, 50%"
	busy := Explain(said, gotch.CPU, "")
	assert.Contains(t, busy.Error(), "wait, choose another Device, or share it")
	assert.Contains(t, field.Text(fmt.Errorf("on it: %w", busy), flags), "wait, choose another --flag, or share it")
	other := errors.New("no CUDA error: out of memory")
	assert.Same(t, other, Explain(other, gotch.CPU, ""), "not LibTorch's")
	assert.NoError(t, Explain(nil, gotch.CPU, ""))
}

func TestNumerics(t *testing.T) {
	before, products, err := currentNumerics()
	require.NoError(t, err)
	assert.False(t, products)
	defer func() { require.NoError(t, before.set()) }()
	t.Setenv(cublasWorkspace, "")
	require.NoError(t, SetNumerics(gotch.CPU, Numerics{Deterministic: true, Autotune: true}))
	now, _, err := currentNumerics()
	require.NoError(t, err)
	assert.Equal(t, before, now, "the CPU has no such choices")
	assert.Empty(t, os.Getenv(cublasWorkspace))
	for _, n := range []Numerics{{TF32: true, Autotune: true}, {Deterministic: true}, {},
		{TF32: true, Deterministic: true}} {
		require.NoError(t, n.set())
		now, products, err := currentNumerics()
		require.NoError(t, err)
		assert.Equal(t, n, now)
		assert.False(t, products)
	}
	require.NoError(t, Numerics{Deterministic: true, Autotune: true}.set())
	now, _, err = currentNumerics()
	require.NoError(t, err)
	assert.Equal(t, Numerics{Deterministic: true}, now, "another algorithm has other bits")
	require.NoError(t, SetNumerics(gotch.CudaBuilder(0), Numerics{Deterministic: true}))
	assert.Equal(t, fixedWorkspace, os.Getenv(cublasWorkspace))
	hopper, volta := GPU{Major: 9}, GPU{Major: 7}
	assert.Equal(t, "TF32 in convolutions, not deterministic", Numerics{TF32: true}.describe(hopper, ""))
	assert.Equal(t, "TF32 off (NVIDIA_TF32_OVERRIDE=0), not deterministic", Numerics{TF32: true}.describe(hopper, "0"))
	assert.Equal(t, "TF32 off, deterministic", Numerics{Deterministic: true}.describe(hopper, ""))
	assert.Equal(t, "no TF32 (it came with compute capability 8.0), not deterministic",
		Numerics{TF32: true}.describe(volta, ""))
}

// The operations that Deterministic computes in another way have the values and both
// derivatives of the usual ones.
func TestOrderedGather(t *testing.T) {
	before, _, err := currentNumerics()
	require.NoError(t, err)
	defer func() { require.NoError(t, before.set()) }()
	run := func(deterministic bool, dim int64) (out [][]float64) {
		require.NoError(t, Numerics{Deterministic: deterministic}.set())
		require.NoError(t, With(func(s *Scope) error {
			x := FromSlice(s, []float64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}, gotch.CPU, 2, 3, 2)
			s.SetRequiresGrad(true, x)
			index := FromSlice(s, []int64{1, 0, 1, 1, 0, 0, 1, 1}, gotch.CPU, 2, 2, 2)
			y := s.Gather(x, dim, index)
			g := s.Grad([]Tensor{s.Sum(s.Mul(s.Square(y), y))}, []Tensor{x}, GradOptions{CreateGraph: true})
			h := s.Grad([]Tensor{s.Sum(s.Square(g[0]))}, []Tensor{x}, GradOptions{})
			out = [][]float64{Slice[float64](s, y), Slice[float64](s, g[0]), Slice[float64](s, h[0])}
			return s.Err()
		}))
		return out
	}
	for _, dim := range []int64{0, 1, 2, -1} {
		assert.Equal(t, run(false, dim), run(true, dim), "dimension %d", dim)
	}
}
