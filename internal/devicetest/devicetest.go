// Package devicetest says where tests put their tensors: on the CPU in float64, or
// where the variable ICLMSR_DEVICE says (cpu, cuda or cuda:i) in float64 and in
// float32. How near float32 has to come is measured, not guessed: as near as the
// CPU's own float32, or some times as far.
package devicetest

import (
	"math"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/sugarme/gotch"

	"github.com/icl-msr/icl-msr/torch"
)

// Variable is the name of the environment variable.
const Variable = "ICLMSR_DEVICE"

// Slack is how many times the error of float32 on the CPU a device's may have:
// it adds in another order, and with other kernels.
const Slack = 16

// Floor is an error that float32 always may have, relative to the largest entry.
const Floor = 1e-5

// Chosen reports whether a device was asked for.
func Chosen() bool { return os.Getenv(Variable) != "" }

// Device is the one asked for, or the CPU. A device that is not there fails the
// test: nothing is skipped in silence.
func Device(t testing.TB) gotch.Device {
	t.Helper()
	name := os.Getenv(Variable)
	if name == "" {
		return gotch.CPU
	}
	d, err := torch.ParseDevice(name)
	require.NoError(t, err, "%s=%s", Variable, name)
	if d != gotch.CPU {
		require.NoError(t, torch.Present(d), "%s=%s", Variable, name)
	}
	return d
}

// Options are what a test runs with, one after the other: float64 on the CPU, or
// float64 and float32 on the device asked for.
func Options(t testing.TB) []torch.Options {
	t.Helper()
	d := Device(t)
	out := []torch.Options{{DType: gotch.Double, Device: d}}
	if Chosen() {
		out = append(out, torch.Options{DType: gotch.Float, Device: d})
	}
	return out
}

// Yardsticks are what a test measures first for each of Options: nothing for
// float64, and float32 on the CPU for float32.
func Yardsticks(o torch.Options) []torch.Options {
	if o.DType == gotch.Float {
		return []torch.Options{torch.Float32()}
	}
	return nil
}

// Values are t's elements in float64, wherever t is.
func Values(s *torch.Scope, t torch.Tensor) []float64 {
	return torch.Slice[float64](s, s.To(t, torch.Float64()))
}

// Error is the largest difference of got from want, relative to want's largest
// entry; infinite where got has another length or a number that is none.
func Error(want, got []float64) float64 {
	if len(want) != len(got) {
		return math.Inf(1)
	}
	most, scale := 0.0, 1e-300
	for i, w := range want {
		d := math.Abs(w - got[i])
		if math.IsNaN(d) {
			return math.Inf(1)
		}
		most, scale = max(most, d), max(scale, math.Abs(w))
	}
	return most / scale
}

// Tolerance of float32 where the CPU's float32 has this error.
func Tolerance(cpu float64) float64 { return max(Floor, Slack*cpu) }
