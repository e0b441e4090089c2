package meta_test

import (
	"fmt"
	"runtime"
	"strings"
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
	r.where = libtorch.Float64()
	first := r.trainer(t, s, nil).State.Tensors()
	at := func(o libtorch.Options) (*meta.State, []meta.Epoch) {
		r.where = o
		tr := r.trainer(t, s, nil)
		for i, x := range tr.State.Tensors() { // a seed draws other numbers in float32
			s.Copy(x.Tensor, first[i].Tensor)
		}
		return finish(t, tr)
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

// farthest is the largest error of a run's tensors and figures, and where it is.
// It is relative to the largest entry of the tensors that belong together: some of
// them are nothing but rounding, as a gradient that is 0 where a batch norm follows.
func farthest(s *libtorch.Scope, want, got *meta.State, a, b []meta.Epoch) (most float64, where string) {
	x, y := map[string][]float64{}, map[string][]float64{}
	gs := got.Tensors()
	for i, w := range want.Tensors() {
		if s.Like(w.Tensor).DType == gotch.Double {
			k := together(w.Name)
			x[k], y[k] = append(x[k], devicetest.Values(s, w.Tensor)...), append(y[k], devicetest.Values(s, gs[i].Tensor)...)
		}
	}
	for i := range a {
		k := fmt.Sprintf("figures of epoch %d", i)
		x[k], y[k] = figures(a[i]), figures(b[i])
	}
	for k := range x {
		if e := devicetest.Error(x[k], y[k]); e > most {
			most, where = e, k
		}
	}
	return most, where
}

// together names the group of a tensor: its network, or the optimizer's kind of state
// for that network.
func together(name string) string {
	parts := strings.Split(name, ".")
	if parts[0] == "optimizer" && len(parts) > 2 {
		return strings.Join([]string{parts[0], parts[1], parts[len(parts)-1]}, ".")
	}
	return parts[0]
}
