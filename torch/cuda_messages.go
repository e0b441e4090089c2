package torch

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/sugarme/gotch"
)

// Fault is a failure of CUDA, or of the host's memory, told with its remedy.
type Fault struct {
	Text  string
	Cause error
}

func (f *Fault) Error() string { return f.Text }

// Unwrap returns what LibTorch said.
func (f *Fault) Unwrap() error { return f.Cause }

// Present reports a CUDA device that is not there, and why.
func Present(device gotch.Device) error {
	index := int(deviceIndex(device))
	if index < 0 {
		return nil
	}
	if why := DescribeCUDA().missing(index); why != "" {
		return &Fault{Text: why}
	}
	return nil
}

// Ready reports a CUDA device that is not there, that LibTorch has no kernels for, or
// that does not compute. It takes the device's context, some 0.5 GiB of its memory.
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
			return &Fault{Text: fmt.Sprintf("cuda:%d: %s", index, why)}
		}
	}
	return Explain(With(func(s *Scope) error {
		s.Item(s.Full(1, Options{DType: gotch.Float, Device: device}, 1))
		return s.Err()
	}), device, "")
}

// missing tells why device index cannot be used; empty: nothing is known against it.
func (s CUDAState) missing(index int) string {
	none := func(format string, args ...any) string {
		return "this program sees 0 CUDA devices: " + fmt.Sprintf(format, args...)
	}
	switch {
	case !s.Built:
		return none("it was built for the CPU; build it with CUDA=1 (CUDA=1 make build), or give --device cpu")
	case s.Devices > index:
		return ""
	case s.Devices == 1:
		return "this program sees 1 CUDA device: give --device cuda"
	case s.Devices > 1:
		return fmt.Sprintf("this program sees %d CUDA devices: give one of cuda:0 to cuda:%d", s.Devices, s.Devices-1)
	case s.Driver == 0: // CUDA says then, too, that the driver is too old
		return none("no NVIDIA driver was found; install one (in a container: start it with --gpus all), " +
			"or give --device cpu")
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

// tooOld is for a driver that knows no CUDA as new as the build's.
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
	switch { // a driver of CUDA 12.x serves builds of any 12.y
	case s.Driver >= twelveEight && s.Runtime > twelveEight:
		remedy += ", or build with TORCH=2.8.0 (CUDA 12.8)"
	case s.Driver >= twelve:
		remedy += ", or build with TORCH=2.6.0 (CUDA 12.4)"
	}
	return fmt.Sprintf("%s, and this build needs %s: %s", driver, cudaVersion(s.Runtime), remedy)
}

// facts are what an explanation may need beside the text; zero: unknown.
type facts struct {
	CUDAState
	name        string // of the device, as "cuda:0 (NVIDIA H100 80GB HBM3)"
	card        GPU
	archs       []string
	version     string // LibTorch's
	free, total int64
	room        string // what a command can do with less memory
}

// fault is a text of CUDA's or LibTorch's and what is to be done about it.
type fault struct {
	says    string // a part of the text
	explain func(said string, f facts) string
}

// faults lists what is known, the special before the general.
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
			plain("the card's memory is damaged: give another --device, and see nvidia-smi -q -d ECC")},
		{"system not yet initialized", plain("start the fabric manager (systemctl start nvidia-fabricmanager)")},
		{"forward compatibility was attempted",
			plain("a package cuda-compat is in the way of the driver: remove it from LD_LIBRARY_PATH")},
		{"illegal memory access", plain("run again with CUDA_LAUNCH_BLOCKING=1 to see where")},
		{"device-side assert", plain("run again with CUDA_LAUNCH_BLOCKING=1 to see where")},
		{"unspecified launch failure",
			plain("run again with CUDA_LAUNCH_BLOCKING=1 to see where; dmesg may tell more")},
		{"does not have a deterministic implementation", func(said string, _ facts) string {
			name, _, _ := strings.Cut(said, " does not have")
			return "--deterministic: CUDA has no " + name + " that gives the same bits each time: leave --deterministic out"
		}},
		{cublasWorkspace, func(string, facts) string {
			return "--deterministic: this process has multiplied matrices on a GPU before: set " +
				cublasWorkspace + "=" + fixedWorkspace + " before it starts"
		}},
		{"CUDA unknown error", plain("see whether nvidia-smi works; after a suspend, load the module nvidia_uvm again")},
	}
}

// explained turns what CUDA or LibTorch said into one line with the remedy; empty: it
// is no known failure of a GPU.
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
			"or give another --device"
	}
	return f.device() + " is in use by another process that has it for itself: wait, give another --device, " +
		"or share it by nvidia-smi -c DEFAULT (nvidia-smi lists the processes)"
}

// outOfMemory reads the numbers of the caching allocator's message where it is its.
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

// hostOutOfMemory is what LibTorch says of the host's memory.
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

// cudaSays is the text without what is said before it.
func cudaSays(said string) string {
	_, text, ok := strings.Cut(said, "CUDA error: ")
	if !ok {
		text = said
	}
	return strings.TrimSpace(text)
}

// Explain gives an error of LibTorch's that is a known failure of the GPU, or of the
// host's memory, its remedy; others it returns as they are. room is what can be done with less memory.
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
		return &Fault{text, err}
	}
	return err
}
