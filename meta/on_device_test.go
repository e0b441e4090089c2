package meta_test

import (
	"fmt"
	"net"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/sugarme/gotch"

	"github.com/icl-msr/icl-msr/internal/devicetest"
	"github.com/icl-msr/icl-msr/internal/ranktest"
	"github.com/icl-msr/icl-msr/meta"
	"github.com/icl-msr/icl-msr/methods"
	"github.com/icl-msr/icl-msr/torch"
)

// way is one way to train a method.
type way struct {
	name string
	run
}

// ways are all of a method: without MSR, and with it by each meta gradient in both
// spaces; in micro-batches and with recomputation.
func ways(method string) []way {
	base := run{method: method, optimizer: "sgd"}
	if method == "pcl" {
		base.options = map[string]float64{"warm": 0} // clusters from the first epoch on
	}
	out := []way{{"plain", base}}
	for _, space := range []meta.Space{meta.Embedding, meta.Feature} {
		for _, gradient := range []meta.GradientMethod{meta.ForwardMode, meta.Unrolled, meta.FiniteDifference} {
			r := base
			r.msr = true
			r.change = func(c *meta.Config) { c.Space, c.GradientMethod = space, gradient }
			out = append(out, way{fmt.Sprintf("%s-%s", space, gradient), r})
		}
	}
	divided, recomputed := out[1].run, out[1].run
	divided.micro, recomputed.recompute = 4, true
	return append(out, way{"micro-batches", divided}, way{"recomputation", recomputed})
}

// Two regular and two meta steps on the device of ICLMSR_DEVICE are those on the
// CPU: in float64 to 1e-9, in float32 as nearly as the CPU's float32 comes to
// float64, times devicetest.Slack.
func TestDeviceTrainsAsTheCPU(t *testing.T) {
	if !devicetest.Chosen() {
		t.Skip("set " + devicetest.Variable + " to a device to compare it with the CPU")
	}
	for _, method := range methods.Names() {
		t.Run(method, func(t *testing.T) {
			for _, w := range ways(method) {
				t.Run(w.name, func(t *testing.T) {
					runtime.LockOSThread()
					defer runtime.UnlockOSThread()
					w.compareDevices(t)
				})
			}
		})
	}
}

func (r run) compareDevices(t *testing.T) {
	s := torch.NewScope()
	defer func() { require.NoError(t, s.Close()) }()
	r.where = torch.Float64()
	first := r.trainer(t, s, nil).State.Tensors()
	at := func(o torch.Options) (*meta.State, []meta.Epoch) {
		r.where = o
		tr := r.trainer(t, s, nil)
		for i, x := range tr.State.Tensors() { // a seed draws other numbers in float32
			s.Copy(x.Tensor, first[i].Tensor)
		}
		return finish(t, tr)
	}
	want, a := at(torch.Float64())
	for _, o := range devicetest.Options(t) {
		got, b := at(o)
		if o.DType == gotch.Double {
			equal(t, want, got, a, b, "float64")
			continue
		}
		st, c := at(torch.Float32())
		cpu, where := farthest(s, want, st, a, c)
		mine, place := farthest(s, want, got, a, b)
		t.Logf("float32: the CPU is %.1e from float64 (%s), the device %.1e (%s)", cpu, where, mine, place)
		assert.LessOrEqual(t, mine, devicetest.Tolerance(cpu), "float32: %s", place)
	}
}

// farthest is the largest error of a run's tensors and figures, and where it is.
// It is relative to the largest entry of the tensors that belong together: some of
// them are nothing but rounding, as a gradient that is 0 where a batch norm follows.
func farthest(s *torch.Scope, want, got *meta.State, a, b []meta.Epoch) (most float64, where string) {
	x, y := map[string][]float64{}, map[string][]float64{}
	gs := got.Tensors()
	for i, w := range want.Tensors() {
		// Squares of gradients say what the gradients' means say, at twice the error.
		if s.Like(w.Tensor).DType == gotch.Double && !strings.HasSuffix(w.Name, "exp_avg_sq") {
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

// A job of one process, by each backend there is, trains as none: what NCCL can show
// on one GPU.
func TestAGroupOfOneTrainsAsNone(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	o := devicetest.Options(t)[0]
	for _, backend := range torch.Backends() {
		if backend == "nccl" && o.Device == gotch.CPU {
			continue
		}
		t.Run(backend, func(t *testing.T) {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			g := groupOfOne(t, backend)
			for _, r := range []run{{method: "simclr"}, {method: "simclr", msr: true}, {method: "moco", msr: true}} {
				s := torch.NewScope()
				r.where = o
				want, a := r.train(t, s, nil)
				got, b := r.train(t, s, g)
				equal(t, want, got, a, b, fmt.Sprintf("%s, msr %v", r.method, r.msr))
				require.NoError(t, s.Close())
			}
			require.NoError(t, g.Barrier())
			assert.Positive(t, g.Traffic().Calls, "the group was used")
			g.Close()
		})
	}
}

func groupOfOne(t *testing.T, backend string) *torch.Group {
	l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	require.NoError(t, err)
	store, err := torch.Serve(l, ranktest.Timeout)
	require.NoError(t, err)
	t.Cleanup(store.Close)
	g, err := torch.NewGroup(store, torch.GroupOptions{Backend: backend, Address: "127.0.0.1", Rank: 0, Size: 1,
		Timeout: ranktest.Timeout})
	require.NoError(t, err)
	return g
}
