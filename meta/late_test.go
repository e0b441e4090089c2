package meta_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/icl-msr/icl-msr/internal/ranktest"
	"github.com/icl-msr/icl-msr/internal/standin"
	"github.com/icl-msr/icl-msr/meta"
	"github.com/icl-msr/icl-msr/model"
	"github.com/icl-msr/icl-msr/torch"
)

// long is a run of more steps than most tests need: 9 of each phase and epoch.
func long(t *testing.T, s *torch.Scope, r run) *meta.Trainer {
	tr := r.trainer(t, s, nil)
	src := tr.Source.(pictures)
	src.count = 9 * src.batch
	tr.Source, tr.Schedule.Steps, tr.Schedule.Epochs = watch(src), 9, 2
	return tr
}

// Hooks are told of each step once, in order, with the figures of a run on the CPU;
// only the newest is not told of when the next is queued.
func TestStepsAreToldInOrder(t *testing.T) {
	var steps [2][]meta.Step
	for i, r := range []run{{method: "simclr", msr: true}, {method: "simclr", msr: true, device: standin.Device()}} {
		s := torch.NewScope()
		tr := long(t, s, r)
		at, late := &tr.State.Position, 0
		tr.Hooks = []meta.Hook{{OnStep: func(step meta.Step) error {
			assert.LessOrEqual(t, at.Batch-step.Batch, 1+i, "the host is at most a step behind")
			late += at.Batch - step.Batch - 1
			steps[i] = append(steps[i], step)
			return nil
		}, OnEpoch: func(*meta.State, meta.Epoch) error {
			assert.Len(t, steps[i], 18*at.Epoch, "an epoch ends with all steps told")
			return nil
		}}}
		require.NoError(t, tr.Run(context.Background()))
		assert.Equal(t, i*4*8, late, "all but the last of each phase are told late")
		require.NoError(t, s.Close())
	}
	require.Len(t, steps[0], 36)
	require.Len(t, steps[1], 36)
	for k := range steps[0] {
		assert.InDelta(t, steps[0][k].Loss, steps[1][k].Loss, 1e-9)
		steps[1][k].Loss = steps[0][k].Loss
		require.Len(t, steps[1][k].Scalars, len(steps[0][k].Scalars))
		for i, x := range steps[0][k].Scalars {
			assert.InDelta(t, x.Value, steps[1][k].Scalars[i].Value, 1e-7, x.Name)
			steps[1][k].Scalars[i].Value = x.Value
		}
	}
	var regular, msr []string
	for _, x := range steps[0][8].Scalars {
		regular = append(regular, x.Name)
	}
	for _, x := range steps[0][9].Scalars {
		msr = append(msr, x.Name)
	}
	assert.Equal(t, []string{"lr", "l_to", "l_ct", "embedding_std", "l_msr", "effective_rank"}, regular)
	assert.Equal(t, []string{"meta_l_ct", "meta_l_ct_fast", "l_uni", "grad_norm_l_ct_fast", "grad_norm_l_uni", "gamma"},
		msr)
	assert.Equal(t, steps[0], steps[1])
}

// A run that is stopped at any step, saved by a hook in the middle of it and taken up
// again ends as one that was not; a saved position's sums have all its steps.
func TestARunOnADeviceIsTakenUp(t *testing.T) {
	s := torch.NewScope()
	r := run{method: "moco", msr: true, device: standin.Device()}
	whole := long(t, s, r)
	want, err := r.follow(context.Background(), whole)
	require.NoError(t, err)
	for _, stop := range []int{1, 8, 9, 14, 18, 20} {
		first := long(t, s, r)
		first.Source = first.Source.(watched).pictures // hooks save
		var saved meta.Position
		ctx, cancel := context.WithCancel(context.Background())
		told := 0
		first.Hooks = []meta.Hook{{OnStep: func(meta.Step) error {
			p, err := first.State.Mark()
			require.NoError(t, err)
			if p.Phase == meta.RegularPhase {
				assert.EqualValues(t, p.Batch, p.Sums.Value("steps"))
			} else {
				assert.EqualValues(t, p.Batch, p.Sums.Value("meta"))
			}
			if told++; told == stop {
				cancel()
			}
			return nil
		}, OnEnd: func(st *meta.State, err error) error {
			assert.ErrorIs(t, err, context.Canceled)
			saved, err = st.Mark()
			return err
		}}}
		firstEpochs, err := r.follow(ctx, first)
		assert.ErrorIs(t, err, context.Canceled)
		assert.GreaterOrEqual(t, told, stop)
		assert.Equal(t, told, saved.Step+saved.MetaSteps, "what was done has been told")
		text, err := json.Marshal(saved)
		require.NoError(t, err)
		second := long(t, s, r)
		var position meta.Position
		require.NoError(t, json.Unmarshal(text, &position))
		for i, from := range first.State.Tensors() {
			s.Copy(second.State.Tensors()[i].Tensor, from.Tensor)
		}
		second.State.Restore(position)
		epochs, err := r.follow(context.Background(), second)
		require.NoError(t, err)
		equal(t, whole.State, second.State, want, append(firstEpochs, epochs...), fmt.Sprintf("stopped at step %d", stop))
	}
	require.NoError(t, s.Close())
}

// breaking is a method whose loss is no number at one step.
type breaking struct {
	model.Method
	at int
}

func (b breaking) Loss(s *torch.Scope, p *model.Pass) torch.Tensor {
	loss := b.Method.Loss(s, p)
	if p.Clock.Step == b.at {
		return s.MulScalar(loss, math.NaN())
	}
	return loss
}

func (b breaking) NotFinite() string { return "it breaks" }

// A loss that is no number ends the run, with its own step's error; nothing can be
// saved from then on, and no hook is told of the step.
func TestALossThatIsNoNumberIsNeverSaved(t *testing.T) {
	for _, msr := range []bool{false, true} {
		for _, at := range []int{0, 3, 8, 9} { // 8 ends a phase; the meta phase at 9 is the one with a step count of 9
			for _, canceled := range []bool{false, true} {
				if at == 9 && !msr {
					continue
				}
				s := torch.NewScope()
				r := run{method: "simclr", msr: msr, device: standin.Device(), breaks: &at}
				tr := long(t, s, r)
				ctx, cancel := context.WithCancel(context.Background())
				told := 0
				tr.Source = tr.Source.(watched).pictures
				tr.Hooks = []meta.Hook{{OnStep: func(step meta.Step) error {
					told++
					assert.False(t, math.IsNaN(step.Loss))
					p, err := tr.State.Mark()
					if err == nil {
						assert.LessOrEqual(t, p.Step, at, "a position that can be saved is before the step")
					}
					if canceled && told == max(1, at-1) {
						cancel()
					}
					return nil
				}, OnEnd: func(st *meta.State, err error) error {
					_, failed := st.Mark()
					if !canceled {
						var d *meta.Diverged
						assert.ErrorAs(t, failed, &d)
						assert.ErrorAs(t, err, &d)
						assert.NotErrorIs(t, err, context.Canceled)
					}
					return nil
				}}}
				err := tr.Run(ctx)
				if !canceled {
					var d *meta.Diverged
					require.ErrorAs(t, err, &d)
					batch, phase := at, meta.RegularPhase
					if at == 9 {
						batch, phase = 0, meta.MetaPhase
					}
					assert.Equal(t, []any{0, batch, phase}, []any{d.Epoch, d.Batch, d.Phase})
					assert.Equal(t, at, told)
					assert.ErrorContains(t, err, "it breaks")
				}
				cancel()
				require.NoError(t, s.Close())
			}
		}
	}
}

// A hook's error ends the run, and no hook is called after it.
func TestAHooksErrorEndsARunOnADevice(t *testing.T) {
	s := torch.NewScope()
	tr := long(t, s, run{method: "simclr", device: standin.Device()})
	full := errors.New("the disk is full")
	calls := 0
	tr.Hooks = []meta.Hook{{OnStep: func(meta.Step) error {
		if calls++; calls == 3 {
			return full
		}
		return nil
	}, OnEnd: func(st *meta.State, err error) error {
		assert.Equal(t, 4, st.Position.Step)
		assert.EqualValues(t, 4, st.Position.Sums.Value("steps"), "the step at hand counts")
		return nil
	}}}
	assert.ErrorIs(t, tr.Run(context.Background()), full)
	assert.Equal(t, 3, calls)
	require.NoError(t, s.Close())
}

// W-MSE tells on a device, too, what a singular covariance needs.
func TestASingularCovarianceOnADevice(t *testing.T) {
	s := torch.NewScope()
	r := run{method: "w_mse", device: standin.Device()}
	tr := r.trainer(t, s, nil)
	src := tr.Source.(pictures)
	src.batch = 4 // of 5 dimensions
	tr.Source, tr.Schedule.Steps = src, src.Steps()
	err := tr.Run(context.Background())
	var d *meta.Diverged
	require.ErrorAs(t, err, &d)
	assert.ErrorContains(t, err, "or an epsilon above 0")
	require.NoError(t, s.Close())
}

// The meta gradient reads a device once, and not at all where it is only queued.
func TestTheMetaGradientOnADevice(t *testing.T) {
	for _, space := range []meta.Space{meta.Embedding, meta.Feature} {
		for _, way := range []meta.GradientMethod{meta.Unrolled, meta.ForwardMode, meta.FiniteDifference} {
			s := torch.NewScope()
			p := problem(t, s, "simclr", space, true)
			p.Config.GradientMethod, p.Config.GammaBalance = way, true
			want, err := p.Gradient(s)
			require.NoError(t, err)
			o := torch.Float64()
			o.Device = standin.Device()
			move := func(ts []torch.Tensor) []torch.Tensor {
				out := make([]torch.Tensor, len(ts))
				for i, x := range ts {
					to := s.Like(x)
					to.Device = o.Device
					out[i] = s.To(x, to)
				}
				return out
			}
			for _, ts := range []*[]torch.Tensor{&p.Theta, &p.Buffers, &p.ModelState, &p.Phi, &p.PhiBuffers, &p.Inner.Views,
				&p.Outer.Views} {
				*ts = move(*ts)
			}
			p.Inner.Plain, p.Inner.Indices = s.To(p.Inner.Plain, o), torch.Tensor{}
			p.Outer.Indices = torch.Tensor{}
			before, reads := standin.Counted(), torch.Reads()
			got, err := p.Gradient(s)
			require.NoError(t, err, "%s %s", space, way)
			assert.Equal(t, int64(1), before.Since().Reads, "%s %s", space, way)
			assert.Equal(t, int64(1), torch.Reads()-reads)
			assert.InDeltaSlice(t, values(s, want.Grad), values(s, got.Grad), 1e-10, "%s %s", space, way)
			assert.InDeltaSlice(t, []float64{want.LCt, want.LMsr, want.LCtFast, want.LUni, want.NormCT, want.NormUni,
				want.EffectiveGamma},
				[]float64{got.LCt, got.LMsr, got.LCtFast, got.LUni, got.NormCT, got.NormUni, got.EffectiveGamma}, 1e-10)
			allow := standin.Forbid()
			queued, err := p.Queue(s)
			allow()
			require.NoError(t, err, "%s %s", space, way)
			assert.Zero(t, queued.LCt)
			require.NoError(t, queued.Read(s))
			assert.InEpsilon(t, got.NormCT, queued.NormCT, 1e-12)
			require.NoError(t, s.Close())
		}
	}
}

// Ranks that look at their figures late train as those that look at once, and stop
// at one step.
func TestRanksThatAreLate(t *testing.T) {
	ranktest.Run(t, []int{2}, func(t *testing.T, g *torch.Group) {
		for _, r := range []run{{method: "simclr", msr: true}, {method: "pcl", msr: true,
			options: map[string]float64{"warm": 0}}} {
			s := torch.NewScope()
			want, figures := r.train(t, s, g)
			tr := r.trainer(t, s, g)
			meta.SetLate(tr)
			epochs, err := r.follow(context.Background(), tr)
			require.NoError(t, err)
			equal(t, want, tr.State, figures, epochs, r.method+" late")
			stopped := r.trainer(t, s, g)
			meta.SetLate(stopped)
			ctx, cancel := context.WithCancel(context.Background())
			if g.Rank() == 1 {
				cancel()
			}
			assert.ErrorIs(t, stopped.Run(ctx), context.Canceled)
			all, err := g.GatherInts(torch.Float64().Device, int64(stopped.State.Position.Step))
			require.NoError(t, err)
			assert.Equal(t, []int64{2, 2}, all)
			cancel()
			require.NoError(t, s.Close())
		}
	})
}
