// Package devicetest chooses the device of tests. By default tests run on the CPU in float64. With the environment
// variable ICLMSR_DEVICE (cpu, cuda or cuda:i) they run on that device in float64 and in float32. The tolerance of
// float32 is measured: its error may be a few times that of float32 on the CPU.
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

// Slack is the allowed error of float32 on a device, as a multiple of that on the CPU: a device has other kernels,
// which add in another order.
const Slack = 16

// Floor is an error that is always allowed in float32, relative to the largest entry.
const Floor = 1e-5

// Chosen reports whether the environment variable is set.
func Chosen() bool { return os.Getenv(Variable) != "" }

// Device is the device that the environment variable names, or the CPU. If the device does not exist the test fails.
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

// Options are those that a test runs with, one after the other: float64 on the CPU, or float64 and float32 on the
// chosen device.
func Options(t testing.TB) []torch.Options {
	t.Helper()
	d := Device(t)
	out := []torch.Options{{DType: gotch.Double, Device: d}}
	if Chosen() {
		out = append(out, torch.Options{DType: gotch.Float, Device: d})
	}
	return out
}

// Yardsticks are the options of the run that a test compares with, if there is one: for float32 on a device, float32 on
// the CPU; for float64, none.
func Yardsticks(o torch.Options) []torch.Options {
	if o.DType == gotch.Float {
		return []torch.Options{torch.Float32()}
	}
	return nil
}

// Values are the entries of t in float64.
func Values(s *torch.Scope, t torch.Tensor) []float64 {
	return torch.Slice[float64](s, s.To(t, torch.Float64()))
}

// Error is the largest difference between got and want, relative to want's largest entry. It is infinite if got has
// another length or a NaN.
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

// Tolerance is the allowed error of float32 on a device, if float32 on the CPU has the given error.
func Tolerance(cpu float64) float64 { return max(Floor, Slack*cpu) }
