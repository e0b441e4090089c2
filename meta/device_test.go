package meta_test

import (
	"fmt"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/sugarme/gotch"

	"github.com/icl-msr/icl-msr/internal/devicetest"
	"github.com/icl-msr/icl-msr/internal/libtorch"
	"github.com/icl-msr/icl-msr/meta"
	"github.com/icl-msr/icl-msr/methods"
)

// way is one way to train a method.
type way struct {
	name string
	run
}

// ways are all of a method: without MSR, and with it by each meta gradient in both
// spaces; in parts and with checkpointed activations.
func ways(method string) []way {
	base := run{method: method, optimizer: "sgd"}
	if method == "pcl" {
		base.options = map[string]float64{"warm": 0} // clusters from the first epoch on
	}
	out := []way{{"plain", base}}
	for _, space := range []meta.Space{meta.Embedding, meta.Feature} {
		for _, gradient := range []meta.Gradient{meta.ForwardMode, meta.Unrolled, meta.FiniteDifference} {
			r := base
			r.msr = true
			r.change = func(c *meta.Config) { c.Space, c.Gradient = space, gradient }
			out = append(out, way{fmt.Sprintf("%s-%s", space, gradient), r})
		}
	}
	parts, kept := out[1].run, out[1].run
	parts.micro, kept.checkpoint = 4, true
	return append(out, way{"micro-batches", parts}, way{"checkpoints", kept})
}

// Two regular and two meta steps on the device of ICLMSR_DEVICE are those on the
// CPU: in float64 to 1e-9, in float32 as nearly as the CPU's float32 comes to
// float64, times devicetest.Slack.
func TestDeviceTrainsAsTheCPU(t *testing.T) {
	if !devicetest.Chosen() {
		t.Skip("set " + devicetest.Variable + " to a device to compare it with the CPU")
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for _, method := range methods.Names() {
		t.Run(method, func(t *testing.T) {
			for _, w := range ways(method) {
				t.Run(w.name, func(t *testing.T) { w.compareDevices(t) })
			}
		})
	}
}

func (r run) compareDevices(t *testing.T) {
	s := libtorch.NewScope()
	defer func() { require.NoError(t, s.Close()) }()
	at := func(o libtorch.Options) (*meta.State, []meta.Epoch) {
		r.where = o
		return r.train(t, s, nil)
	}
	want, a := at(libtorch.Float64())
	for _, o := range devicetest.Options(t) {
		got, b := at(o)
		if o.DType == gotch.Double {
			equal(t, want, got, a, b, "float64")
			continue
		}
		st, c := at(libtorch.Float32())
		cpu, where := farthest(s, want, st, a, c)
		mine, place := farthest(s, want, got, a, b)
		t.Logf("float32: the CPU is %.1e from float64 (%s), the device %.1e (%s)", cpu, where, mine, place)
		assert.LessOrEqual(t, mine, devicetest.Tolerance(cpu), "float32: %s", place)
	}
}

// farthest is the largest error of a run's tensors and figures, relative to the
// largest entry of each, and where it is.
func farthest(s *libtorch.Scope, want, got *meta.State, a, b []meta.Epoch) (most float64, where string) {
	note := func(e float64, what string) {
		if e > most {
			most, where = e, what
		}
	}
	gs := got.Tensors()
	for i, w := range want.Tensors() {
		if s.Like(w.Tensor).DType == gotch.Double {
			note(devicetest.Error(devicetest.Values(s, w.Tensor), devicetest.Values(s, gs[i].Tensor)), w.Name)
		}
	}
	for i := range a {
		note(devicetest.Error(figures(a[i]), figures(b[i])), fmt.Sprintf("figures of epoch %d", i))
	}
	return most, where
}
