package main

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/sugarme/gotch"

	"github.com/icl-msr/icl-msr/torch"
)

func version(_ context.Context, p program, args []string) error {
	f := flags(p, "version", "[--build]")
	build := f.Bool("build", false, "print how LibTorch was built")
	if err := parse(f, args); err != nil {
		return err
	}
	fmt.Fprintf(p.stdout, "icl-msr %s, %s, LibTorch %s, %d CUDA devices\n", revision(),
		runtime.Version(), torch.Version(), torch.CUDADevices())
	tellLibraries(p.stdout)
	tellGPUs(p.stdout)
	if !*build {
		return nil
	}
	text, err := torch.Build()
	if err != nil {
		return err
	}
	fmt.Fprint(p.stdout, text)
	return nil
}

func revision() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				return s.Value
			}
		}
	}
	return "unknown revision"
}

// tellLibraries prints which LibTorch this program was compiled with and which it loaded, and the backends for
// communication between processes.
func tellLibraries(w io.Writer) {
	loaded := torch.LoadedVersion()
	if loaded == "" {
		loaded = "of a version that it does not tell"
	}
	kind := "for the CPU"
	if s := torch.DescribeCUDA(); s.Built {
		kind = "for CPU and GPU, " + s.Versions()
	}
	fmt.Fprintf(w, "LibTorch compiled with: %s; loaded: %s, %s\n", torch.Version(), loaded, kind)
	backends := torch.Backends()
	for i, name := range backends {
		if v := torch.NCCL(); name == "nccl" && v != "" {
			backends[i] += " " + v
		}
	}
	if len(backends) == 0 {
		backends = []string{"nothing: one process only"}
	}
	fmt.Fprintf(w, "between processes: %s\n", strings.Join(backends, ", "))
}

// tellGPUs lists the GPUs, or prints why there are none.
func tellGPUs(w io.Writer) {
	n := torch.CUDADevices()
	for i := range n {
		g, err := torch.DescribeGPU(i)
		if err != nil {
			fmt.Fprintf(w, "cuda:%d: %v\n", i, err)
			continue
		}
		fmt.Fprintf(w, "cuda:%d: %s\n", i, g)
	}
	if list := torch.Architectures(); len(list) > 0 {
		fmt.Fprintf(w, "kernels for: %s\n", strings.Join(list, ", "))
	}
	if n > 0 {
		return
	}
	if err := torch.Present(gotch.CudaBuilder(0)); err != nil {
		fmt.Fprintf(w, "GPUs: none: %s\n", messageOf(err))
	}
}
