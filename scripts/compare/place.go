package main

import (
	"strconv"

	"github.com/sugarme/gotch"

	"github.com/icl-msr/icl-msr/meta"
	"github.com/icl-msr/icl-msr/nets"
	"github.com/icl-msr/icl-msr/torch"
)

// place is where a step runs, and the side of its pictures.
type place struct {
	device gotch.Device
	size   int
}

// parsePlace reads DEVICE and SIZE. Both may be missing; their defaults are the CPU and 32.
func parsePlace(args []string) (p place, err error) {
	p = place{gotch.CPU, 32}
	if len(args) > 1 {
		if p.size, err = strconv.Atoi(args[1]); err != nil {
			return p, err
		}
	}
	if len(args) == 0 {
		return p, nil
	}
	if p.device, err = torch.ParseDevice(args[0]); err != nil || p.device == gotch.CPU {
		return p, err
	}
	if err := torch.Present(p.device); err != nil {
		return p, err
	}
	return p, torch.SetNumerics(p.device, torch.Numerics{TF32: true, Autotune: true}) // as run pretrain
}

func (p place) options() torch.Options {
	return torch.Options{DType: gotch.Float, Device: p.device}
}

// stem returns ImageNet's stem for large pictures, else CIFAR's.
func (p place) stem() nets.Stem {
	if p.size > 96 {
		return nets.StemImageNet
	}
	return nets.StemCIFAR
}

// upload copies a batch's views to a GPU, into s. A step's time then excludes the copy, as PyTorch's does.
func (t task) upload(s *torch.Scope, b meta.HostBatch) meta.HostBatch {
	if t.device == gotch.CPU {
		return b
	}
	views := make([]torch.Tensor, len(b.Views))
	for v, x := range b.Views {
		views[v] = torch.FromSlice(s, x, t.device, int64(b.N), 3, int64(b.Sizes[v]), int64(b.Sizes[v]))
		b.Views[v] = nil
	}
	b.Device = func(u *torch.Scope, _ gotch.Device) ([]torch.Tensor, torch.Tensor) {
		return u.HoldAll(views), torch.Tensor{}
	}
	if t.mode == "step" {
		b.Plain = nil
	}
	return b
}
