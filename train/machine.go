package train

import (
	"errors"
	"fmt"
	"io"

	"github.com/sugarme/gotch"

	"github.com/icl-msr/icl-msr/internal/field"
	"github.com/icl-msr/icl-msr/internal/usage"
	"github.com/icl-msr/icl-msr/torch"
)

// Machine is the device that computes, and its numerics.
type Machine struct {
	Device        string `yaml:"device"`
	Precision     string `yaml:"precision"`
	Deterministic bool   `yaml:"deterministic"`
}

// The values of Machine.Precision.
const (
	Float32 = "float32"
	TF32    = "tf32"
)

// OnCPU is the default machine.
func OnCPU() Machine { return Machine{Device: "cpu", Precision: TF32} }

// Device parses cpu, cuda or cuda:i, and checks that the device exists and computes.
func Device(name string) (gotch.Device, error) {
	d, err := torch.ParseDevice(name)
	if err != nil {
		return d, usage.Wrap(err)
	}
	if err := torch.Ready(d); err != nil {
		return d, field.Errorf("{train.Device} %s: %w", name, err)
	}
	return d, nil
}

// NoGPU returns the reason why a build for GPUs sees none at all, or nil. A job asks this before it counts GPUs for its
// processes.
func NoGPU(name string) error {
	d, err := torch.ParseDevice(name)
	if err != nil || d == gotch.CPU || torch.CUDADevices() > 0 || !torch.DescribeCUDA().Built {
		return nil
	}
	return field.Errorf("{train.Device} %s: %w", name, torch.Present(d))
}

// Setup sets up the device. In training all batches have one shape, so that cuDNN may search the fastest algorithms.
func (m *Machine) Setup(training bool) (gotch.Device, error) {
	n, err := m.numerics()
	if err != nil {
		return gotch.CPU, err
	}
	d, err := Device(m.Device)
	if err != nil {
		return d, err
	}
	n.Autotune = training
	return d, torch.SetNumerics(d, n)
}

// numerics returns the numerics for package torch.
func (m *Machine) numerics() (torch.Numerics, error) {
	if err := choice("{train.Precision}", m.Precision, Float32, TF32); err != nil {
		return torch.Numerics{}, err
	}
	return torch.Numerics{TF32: m.Precision == TF32, Deterministic: m.Deterministic}, nil
}

// TellDevice prints a line on the run's GPU. It prints nothing for the CPU, or if w is nil.
func TellDevice(w io.Writer, m Machine) {
	d, err := torch.ParseDevice(m.Device)
	n, unknown := m.numerics()
	if w == nil || err != nil || unknown != nil {
		return
	}
	if line := torch.DescribeDevice(d, n); line != "" {
		fmt.Fprintln(w, line)
	}
}

// Explain adds the remedy to a failure of the GPU. room is the remedy for too little memory.
func (m *Machine) Explain(err error, room string) error {
	d, unknown := torch.ParseDevice(m.Device)
	if unknown != nil {
		return err
	}
	return torch.Explain(err, d, room)
}

// isFault reports whether err is a failure of the device, not of the settings.
func isFault(err error) bool {
	var f *torch.Fault
	return errors.As(err, &f)
}

// room tells how a training step in so many processes takes less memory.
func (c *Config) room(processes int) string {
	share := c.BatchSize / max(1, processes)
	var more string
	switch part := c.microBatch(max(1, processes)); {
	case part == 0:
		more = fmt.Sprintf(", --micro-batch N (a divisor of %d)", share)
	case part > 1:
		more = fmt.Sprintf(", a --micro-batch below %d", part)
	}
	if !c.Recompute {
		more += " or --checkpoint-activations"
	}
	return trainingRoom(share, more)
}

func trainingRoom(batch int, more string) string {
	return fmt.Sprintf("a step has %d pictures on it: give a smaller --batch-size%s", batch, more)
}

// ForwardRoom tells how a forward pass takes less memory, for Machine.Explain.
func ForwardRoom(batch int) string {
	return fmt.Sprintf("a pass has %d pictures: give a smaller --batch-size", batch)
}
