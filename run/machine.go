package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/pflag"
	"github.com/sugarme/gotch"

	"github.com/icl-msr/icl-msr/internal/suggest"
	"github.com/icl-msr/icl-msr/torch"
)

// machine says what computes, and how.
type machine struct {
	Device        string `yaml:"device"`
	Precision     string `yaml:"precision"`
	Deterministic bool   `yaml:"deterministic"`
}

// The precisions of --precision.
const (
	float32Precision = "float32"
	tf32Precision    = "tf32"
)

func onCPU() machine { return machine{Device: "cpu", Precision: tf32Precision} }

func (m *machine) bind(f *pflag.FlagSet) {
	f.StringVar(&m.Device, "device", m.Device, "cpu, cuda or cuda:i")
	f.StringVar(&m.Precision, "precision", m.Precision, "on GPUs: tf32, in which convolutions multiply with 10 bits, "+
		"as PyTorch does by default, or float32 throughout; a CPU has float32 throughout")
	f.BoolVar(&m.Deterministic, "deterministic", m.Deterministic, "on GPUs: the same bits each time, "+
		"for which slower algorithms are taken; a CPU's are always the same")
}

// device parses cpu, cuda or cuda:i and checks that it is there and computes.
func device(name string) (gotch.Device, error) {
	d, err := torch.ParseDevice(name)
	if err != nil {
		return d, wrongUse(err)
	}
	if err := torch.Ready(d); err != nil {
		return d, fmt.Errorf("--device %s: %w", name, err)
	}
	return d, nil
}

// noGPU is why a build for GPUs sees none at all; how many processes could have one
// does not matter then.
func noGPU(name string) error {
	d, err := torch.ParseDevice(name)
	if err != nil || d == gotch.CPU || torch.CUDADevices() > 0 || !torch.DescribeCUDA().Built {
		return nil
	}
	return fmt.Errorf("--device %s: %w", name, torch.Present(d))
}

// settle sets up the device. training says that batches have one shape, for which
// cuDNN may look for the fastest algorithms.
func (m *machine) settle(training bool) (gotch.Device, error) {
	n, err := m.numerics()
	if err != nil {
		return gotch.CPU, err
	}
	d, err := device(m.Device)
	if err != nil {
		return d, err
	}
	n.Autotune = training
	return d, torch.SetNumerics(d, n)
}

func (m *machine) numerics() (torch.Numerics, error) {
	if m.Precision != float32Precision && m.Precision != tf32Precision {
		known := []string{float32Precision, tf32Precision}
		return torch.Numerics{}, wrongUse(suggest.Unknown("--precision", m.Precision, known))
	}
	return torch.Numerics{TF32: m.Precision == tf32Precision, Deterministic: m.Deterministic}, nil
}

// tellDevice prints a line on the GPU that a run is on; none for the CPU, or where w is nil.
func tellDevice(w io.Writer, m machine) {
	d, err := torch.ParseDevice(m.Device)
	n, unknown := m.numerics()
	if w == nil || err != nil || unknown != nil {
		return
	}
	if line := torch.DescribeDevice(d, n); line != "" {
		fmt.Fprintln(w, line)
	}
}

// explain gives a failure of the GPU its remedy; room is what helps against too
// little memory.
func (m *machine) explain(err error, room string) error {
	d, unknown := torch.ParseDevice(m.Device)
	if unknown != nil {
		return err
	}
	return torch.Explain(err, d, room)
}

func isFault(err error) bool {
	var f *torch.Fault
	return errors.As(err, &f)
}

// room tells how a step of training with less memory is had, in so many processes.
func (c *config) room(processes int) string {
	share := c.BatchSize / max(1, processes)
	var more string
	switch part := c.MicroBatch; {
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

func forwardRoom(batch int) string {
	return fmt.Sprintf("a pass has %d pictures: give a smaller --batch-size", batch)
}
