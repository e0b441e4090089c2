package torch

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/sugarme/gotch"

	"github.com/icl-msr/icl-msr/internal/field"
)

// Fault is a failure of CUDA, or a lack of memory on the host, with its remedy. Its text names {torch.Device} and
// {torch.Deterministic}.
type Fault struct{ told, cause error }

// newFault makes a fault of a text that names settings by their keys.
func newFault(text string, cause error) *Fault {
	return &Fault{field.Errorf(strings.ReplaceAll(text, "%", "%%")), cause}
}

func (f *Fault) Error() string { return f.told.Error() }

// Unwrap returns the text with its keys, and LibTorch's error.
func (f *Fault) Unwrap() []error { return []error{f.told, f.cause} }

// Present is an error if a CUDA device does not exist, and says why.
func Present(device gotch.Device) error {
	index := int(deviceIndex(device))
	if index < 0 {
		return nil
	}
	if why := DescribeCUDA().missing(index); why != "" {
		return newFault(why, nil)
	}
	return nil
}

// Ready is an error if a CUDA device does not exist, does not compute, or if LibTorch has no kernels for it. It creates
// the device's context, which takes about 0.5 GiB of its memory.
func Ready(device gotch.Device) error {
	index := int(deviceIndex(device))
	if index < 0 {
		return nil
	}
	if err := Present(device); err != nil {
		return err
	}
	if g, err := DescribeGPU(index); err == nil {
		if why := noKernels(g, Architectures(), Version()); why != "" {
			return newFault(fmt.Sprintf("cuda:%d: %s", index, why), nil)
		}
	}
	return Explain(With(func(s *Scope) error {
		s.Item(s.Full(1, Options{DType: gotch.Float, Device: device}, 1))
		return s.Err()
	}), device, "")
}

// missing tells why the device of an index cannot be used; empty if no reason is known.
func (s CUDAState) missing(index int) string {
	none := func(format string, args ...any) string {
		return "this program sees 0 CUDA devices: " + fmt.Sprintf(format, args...)
	}
	switch {
	case !s.Built:
		return none("it was built for the CPU; build it with CUDA=1 (CUDA=1 make build), or give {torch.Device} cpu")
	case s.Devices > index:
		return ""
	case s.Devices == 1:
		return "this program sees 1 CUDA device: give {torch.Device} cuda"
	case s.Devices > 1:
		return fmt.Sprintf("this program sees %d CUDA devices: give {torch.Device} one of cuda:0 to cuda:%d",
			s.Devices, s.Devices-1)
	case s.Driver == 0: // CUDA then says that the driver is too old
		return none("no NVIDIA driver was found; install one (in a container: start it with --gpus all), " +
			"or give {torch.Device} cpu")
	case s.Visible != "" && (s.Said == "" || strings.Contains(s.Said, "no CUDA-capable device")):
		return none("%s shows it none; nvidia-smi lists those of the machine", s.Visible)
	case s.Said == "" || strings.Contains(s.Said, "no CUDA-capable device"):
		return none("the driver shows it none; nvidia-smi lists those of the machine")
	}
	if why := explained(s.Said, facts{CUDAState: s}); why != "" {
		return none("%s", why)
	}
	return none("CUDA says %q; see whether nvidia-smi works", s.Said)
}

// tooOld explains a driver that does not support the CUDA of the build.
func (s CUDAState) tooOld() string {
	driver := "the NVIDIA driver"
	if s.Release != "" {
		driver = "driver " + s.Release
	}
	if s.Driver > 0 {
		driver += " supports CUDA up to " + cudaVersion(s.Driver)
	} else {
		driver += " is too old"
	}
	const twelve, twelveEight = 12000, 12080
	remedy := "update the driver"
	switch { // a driver for CUDA 12.x serves builds for any 12.y
	case s.Driver >= twelveEight && s.Runtime > twelveEight:
		remedy += ", or build with TORCH=2.8.0 (CUDA 12.8)"
	case s.Driver >= twelve:
		remedy += ", or build with TORCH=2.6.0 (CUDA 12.4)"
	}
	return fmt.Sprintf("%s, and this build needs %s: %s", driver, cudaVersion(s.Runtime), remedy)
}

// facts are what an explanation may need besides the text. Zero values are unknown.
type facts struct {
	CUDAState
	name        string // of the device, as "cuda:0 (NVIDIA H100 80GB HBM3)"
	card        GPU
	archs       []string
	version     string // LibTorch's
	free, total int64
	room        string // how a command can use less memory
}

// fault is a known message of CUDA or LibTorch and its explanation with a remedy.
type fault struct {
	says    string // a part of the text
	explain func(said string, f facts) string
}

// faults lists the known messages, special ones before general ones.
func faults() []fault {
	plain := func(remedy string) func(string, facts) string {
		return func(said string, f facts) string { return f.device() + ": " + cudaSays(said) + ": " + remedy }
	}
	old := func(_ string, f facts) string { return f.tooOld() }
	busy := func(_ string, f facts) string { return f.busy() }
	return []fault{
		{"DefaultCPUAllocator", hostOutOfMemory},
		{"out of memory", outOfMemory},
		{"STATUS_ALLOC_FAILED", outOfMemory}, // cuBLAS' and cuDNN's
		{"driver on your system is too old", old},
		{"driver version is insufficient", old},
		{"no kernel image is available", func(_ string, f facts) string {
			if why := noKernels(f.card, f.archs, f.version); why != "" {
				return f.device() + ": " + why
			}
			return f.device() + ": this LibTorch has no kernels for it: build with another one " +
				"(TORCH=X.Y.Z or LIBTORCH=DIR)"
		}},
		{"PTX was compiled with an unsupported toolchain", old},
		{"busy or unavailable", busy}, // "all CUDA-capable devices are", since CUDA 12 "CUDA-capable device(s) is/are"
		{"exclusive-thread device already in use", busy},
		{"invalid device ordinal", plain("no such GPU: see CUDA_VISIBLE_DEVICES and nvidia-smi")},
		{"uncorrectable ECC error",
			plain("the card's memory is damaged: choose another {torch.Device}, and see nvidia-smi -q -d ECC")},
		{"system not yet initialized", plain("start the fabric manager (systemctl start nvidia-fabricmanager)")},
		{"forward compatibility was attempted",
			plain("a package cuda-compat is in the way of the driver: remove it from LD_LIBRARY_PATH")},
		{"illegal memory access", plain("run again with CUDA_LAUNCH_BLOCKING=1 to see where")},
		{"device-side assert", plain("run again with CUDA_LAUNCH_BLOCKING=1 to see where")},
		{"unspecified launch failure",
			plain("run again with CUDA_LAUNCH_BLOCKING=1 to see where; dmesg may tell more")},
		{"does not have a deterministic implementation", func(said string, _ facts) string {
			name, _, _ := strings.Cut(said, " does not have")
			return "{torch.Deterministic}: CUDA has no " + name + " that gives the same bits each time: " +
				"leave {torch.Deterministic} out"
		}},
		{cublasWorkspace, func(string, facts) string {
			return "{torch.Deterministic}: this process has multiplied matrices on a GPU before: set " +
				cublasWorkspace + "=" + fixedWorkspace + " before it starts"
		}},
		{"CUDA unknown error", plain("see whether nvidia-smi works; after a suspend, load the module nvidia_uvm again")},
	}
}

// explained turns a message of CUDA or LibTorch into one line with the remedy. It is empty if the message is unknown.
func explained(said string, f facts) string {
	for _, k := range faults() {
		if strings.Contains(said, k.says) {
			return k.explain(said, f)
		}
	}
	return ""
}

func (f facts) device() string {
	if f.name == "" {
		return "the GPU"
	}
	return f.name
}

func (f facts) busy() string {
	const prohibited = 2
	if f.card.Mode == prohibited {
		return f.device() + " is in compute mode prohibited: nvidia-smi -c DEFAULT allows programs on it again, " +
			"or choose another {torch.Device}"
	}
	return f.device() + " is in use by another process that has it for itself: wait, choose another {torch.Device}, " +
		"or share it by nvidia-smi -c DEFAULT (nvidia-smi lists the processes)"
}

// outOfMemory reads the numbers in a message of LibTorch's caching allocator; other messages have none.
func outOfMemory(said string, f facts) string {
	first := func(pattern string) string {
		if m := regexp.MustCompile(pattern).FindStringSubmatch(said); m != nil {
			return m[1]
		}
		return ""
	}
	const size = `([0-9.]+ [KMG]?i?B|[0-9.]+ bytes)`
	asked := first("Tried to allocate " + size)
	total, free := first("total capac[i]?ty of "+size), first("of which "+size+" is free")
	if total == "" && f.total > 0 {
		total, free = gib(f.total), gib(f.free)
	}
	out := f.device() + " is out of memory"
	if total != "" {
		out += fmt.Sprintf(": %s of %s are free", free, total)
		other := regexp.MustCompile(`Process ([0-9]+) has ` + size).FindStringSubmatch(said)
		if other != nil && strings.Contains(said, "this process has") {
			out += fmt.Sprintf(", process %s has %s", other[1], other[2])
		}
		if asked != "" {
			out += fmt.Sprintf(", %s were asked for", asked)
		}
	}
	if f.room == "" {
		return out
	}
	return out + "; " + f.room
}

// hostOutOfMemory explains that the host has no memory left.
func hostOutOfMemory(said string, f facts) string {
	out := "this machine is out of memory"
	asked := regexp.MustCompile(`tried to allocate ([0-9]+) bytes`).FindStringSubmatch(said)
	if asked != nil {
		if n, err := strconv.ParseInt(asked[1], 10, 64); err == nil {
			out += fmt.Sprintf(": %.1f GiB more were asked for", float64(n)/(1<<30))
		}
	}
	if f.room == "" {
		return out
	}
	return out + "; " + f.room
}

// cudaSays is CUDA's part of a message.
func cudaSays(said string) string {
	_, text, ok := strings.Cut(said, "CUDA error: ")
	if !ok {
		text = said
	}
	return strings.TrimSpace(text)
}

// Explain adds the remedy to an error of LibTorch that is a known failure of the GPU, or a lack of memory on the host.
// It returns other errors unchanged. room says how the program can use less memory.
func Explain(err error, device gotch.Device, room string) error {
	var there *Fault
	var e *Error
	if errors.As(err, &there) || !errors.As(err, &e) {
		return err
	}
	f := facts{CUDAState: DescribeCUDA(), version: Version(), room: room}
	if index := int(deviceIndex(device)); index >= 0 {
		f.name = fmt.Sprintf("cuda:%d", index)
		if g, err := DescribeGPU(index); err == nil {
			f.card, f.archs, f.name = g, Architectures(), fmt.Sprintf("%s (%s)", f.name, g.Name)
		}
		if strings.Contains(e.Message, "memory") || strings.Contains(e.Message, "ALLOC") {
			f.free, f.total, _ = gpuMemory(index)
		}
	}
	if text := explained(e.Message, f); text != "" {
		return newFault(text, err)
	}
	return err
}
