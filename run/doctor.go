package main

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"strconv"

	"github.com/sugarme/gotch"

	"github.com/icl-msr/icl-msr/nets"
	"github.com/icl-msr/icl-msr/torch"
	"github.com/icl-msr/icl-msr/train"
)

// doctor runs a small network's step on each device.
func doctor(_ context.Context, p program, args []string) error {
	f := flags(p, "doctor", "[flags]")
	only := f.String("device", "", "device to try: cpu, cuda or cuda:i (default: the CPU and all GPUs)")
	if err := parse(f, args); err != nil {
		return err
	}
	names := []string{"cpu"}
	for i := range torch.CUDADevices() {
		names = append(names, "cuda:"+strconv.Itoa(i))
	}
	if *only != "" {
		names = []string{*only}
	}
	tellLibraries(p.stdout)
	tellGPUs(p.stdout)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	want, err := trial(train.Machine{Device: "cpu", Precision: train.Float32})
	if err != nil {
		return err
	}
	for _, name := range names {
		got, err := trial(train.Machine{Device: name, Precision: train.Float32, Deterministic: true})
		if err != nil {
			return err
		}
		if err := p.compared(name, distance(want, got)); err != nil {
			return err
		}
	}
	return nil
}

// compared prints how far a device's gradient is from the CPU's. It returns an error if that is too far.
func (p program) compared(name string, off float64) error {
	const most = 1e-3 // float32 sums in another order differ by less, through a few layers
	if !(off < most) {
		return fmt.Errorf("%s: the gradient of a ResNet differs from the CPU's by %.1e of its norm, "+
			"more than rounding does: see dmesg, and try another GPU or driver", name, off)
	}
	if name == "cpu" { // others are compared with it
		fmt.Fprintf(p.stdout, "%s: works\n", name)
		return nil
	}
	fmt.Fprintf(p.stdout, "%s: works; a ResNet's gradient agrees with the CPU's to %.0e\n", name, off)
	return nil
}

// trial returns the gradient of a small ResNet on pictures that are the same each time.
func trial(m train.Machine) (out []float32, err error) {
	d, err := m.Setup(false)
	if err != nil {
		return nil, err
	}
	net, err := nets.NewBackbone("resnet8", nets.StemSTL, 0.25)
	if err != nil {
		return nil, err
	}
	if err := torch.ManualSeed(1); err != nil {
		return nil, err
	}
	const pictures, side = 8, 32
	o := torch.Options{DType: gotch.Float, Device: d}
	err = torch.With(func(s *torch.Scope) error {
		x := s.Normal(0, 1, o, pictures, 3, side, side)
		theta := s.Leaves(nets.Initialize(s, net.Params(), o))
		h := net.Forward(s, theta, nets.Initialize(s, net.Buffers(), o), x, nets.Meta())
		for _, g := range s.Grad([]torch.Tensor{s.Sum(s.Square(h))}, theta, torch.GradOptions{}) {
			out = append(out, torch.Slice[float32](s, g)...)
		}
		return s.Err()
	})
	return out, m.Explain(err, "")
}

// distance is |a - b| / |a|.
func distance(a, b []float32) float64 {
	var apart, norm float64
	for i := range a {
		x, y := float64(a[i]), float64(b[i])
		apart, norm = apart+(x-y)*(x-y), norm+x*x
	}
	return math.Sqrt(apart / norm)
}
