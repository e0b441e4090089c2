package main

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/icl-msr/icl-msr/internal/libtorch"
)

func version(_ context.Context, p program, args []string) error {
	f := flags(p, "version", "[--build]")
	build := f.Bool("build", false, "print how LibTorch was built")
	if err := parse(f, args); err != nil {
		return err
	}
	revision := "unknown revision"
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				revision = s.Value
			}
		}
	}
	fmt.Fprintf(p.stdout, "icl-msr %s, %s, LibTorch %s, %d CUDA devices\n", revision, runtime.Version(), libtorch.Version(), libtorch.CUDADevices())
	if !*build {
		return nil
	}
	text, err := libtorch.Build()
	if err != nil {
		return err
	}
	fmt.Fprint(p.stdout, text)
	return nil
}
