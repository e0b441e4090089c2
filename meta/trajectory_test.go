package meta_test

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"maps"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/sugarme/gotch"

	"github.com/icl-msr/icl-msr/internal/reference"
	"github.com/icl-msr/icl-msr/meta"
	"github.com/icl-msr/icl-msr/methods"
	"github.com/icl-msr/icl-msr/model"
	"github.com/icl-msr/icl-msr/nets"
	"github.com/icl-msr/icl-msr/torch"
)

// msrTrajectories are runs of SimCLR + MSR by Algorithm 1 (scripts/reference/trajectories_msr.py).
type msrTrajectories struct {
	RTol, Phase    float64
	Pictures, Size int
	Hidden, Out    int64
	Warmup         int `json:"warmup_steps"`
	MSR            struct {
		Epochs                                     int
		Steps                                      int `json:"steps_per_epoch"`
		Temperature, Lambda, Gamma, Alpha, Beta, T float64
		Weights                                    int64
		Width                                      int64 `json:"fmsr_width"`
	}
	Cases []msrTrajectory `json:"msr_cases"`
}

type msrTrajectory struct {
	Method     string
	Space      meta.Space
	Parameters map[string][]int64
	Phi        map[string][]int64 `json:"fmsr_parameters"`
	Regular    []struct {
		CT   float64 `json:"L_ct"`
		MSR  float64 `json:"L_msr"`
		Sum  float64 `json:"L_to"`
		Rate float64
	}
	Meta []struct {
		Fast    float64 `json:"L_ct_fast"`
		Uni     float64 `json:"L_uni"`
		NormCT  float64 `json:"norm_of_L_ct_fast"`
		NormUni float64 `json:"norm_of_L_uni"`
	}
	After    map[string]normAndHead
	PhiAfter map[string]normAndHead `json:"fmsr_after"`
	Mean     []float64              `json:"running_mean_conv1"`
	Var      []float64              `json:"running_var_conv1"`
	PhiMean  []float64              `json:"fmsr_running_mean"`
	PhiVar   []float64              `json:"fmsr_running_var"`
}

type normAndHead struct {
	Norm float64
	Head []float64
}

// Algorithm 1 as a whole reproduces runs that were computed independently: both
// passes, their batch norms, f_msr's optimizer, and how each pass sees the other's steps.
func TestReferenceMSRTrajectories(t *testing.T) {
	reference.Each(t, func(t *testing.T, data []byte) int {
		var f msrTrajectories
		if json.Unmarshal(data, &f) != nil {
			return 0
		}
		for _, c := range f.Cases {
			for _, way := range []meta.GradientMethod{meta.Unrolled, meta.ForwardMode} {
				t.Run(fmt.Sprintf("%s, %s, %s", c.Method, c.Space, way), func(t *testing.T) { f.check(t, c, way) })
			}
		}
		return len(f.Cases)
	})
}

func (f msrTrajectories) Steps() int            { return f.MSR.Steps }
func (f msrTrajectories) Waited() time.Duration { return 0 }

// Batches yields an epoch's batches, in float64. Both phases of an epoch have the same.
func (f msrTrajectories) Batches(_ context.Context, n uint64, from, by int) iter.Seq2[meta.HostBatch, error] {
	return func(yield func(meta.HostBatch, error) bool) {
		for i := from; i < f.MSR.Steps; i += by {
			step := int(n/2)*f.MSR.Steps + i
			b := meta.HostBatch{N: f.Pictures, Size: f.Size, Sizes: []int{f.Size, f.Size}, Views: make([][]float32, 2),
				Device: func(s *torch.Scope, _ gotch.Device) (views []torch.Tensor, plain torch.Tensor) {
					return []torch.Tensor{f.view(s, step, 0), f.view(s, step, 1)}, f.view(s, step, 2)
				}}
			if !yield(b, nil) {
				return
			}
		}
	}
}

func (f msrTrajectories) view(s *torch.Scope, step, v int) torch.Tensor {
	n, side := int64(f.Pictures), int64(f.Size)
	return torch.FromSlice(s, reference.Pictures(f.Pictures, f.Size, step, v, f.Phase), gotch.CPU, n, 3, side, side)
}

// state is the run's first.
func (f msrTrajectories) state(t *testing.T, s *torch.Scope, c msrTrajectory) *meta.State {
	backbone, err := nets.NewBackbone("resnet10", nets.StemCIFAR, 0.125)
	require.NoError(t, err)
	options := map[string]map[string]float64{"simclr": {"head_last": 1, "view_norm": 1}, "byol": {"view_norm": 2}}
	method, err := methods.New(c.Method, methods.Config{Temperature: f.MSR.Temperature, Hidden: f.Hidden, Dim: f.Out,
		Options: options[c.Method]})
	require.NoError(t, err)
	m, err := model.New(method, backbone)
	require.NoError(t, err)
	msr, err := nets.NewMSR(nets.MSRConfig{Trunk: "conv4", Width: float64(f.MSR.Width) / 32, N: f.MSR.Weights,
		C: m.WeightWidth(c.Space)})
	require.NoError(t, err)
	st, err := meta.NewState(s, meta.StateOptions{Model: m, MSR: msr, Options: torch.Float64(),
		Optimizer: nets.OptimizerConfig{Name: "adam", WeightDecay: 1e-6}})
	require.NoError(t, err)
	fill := func(specs []nets.Spec, to []torch.Tensor, want map[string][]int64) {
		require.Len(t, specs, len(want))
		for i, spec := range specs {
			require.Equal(t, want[spec.Name], spec.Shape, spec.Name)
			x := reference.Parameter(spec.Name, spec.Shape, f.Phase)
			s.Copy(to[i], torch.FromSlice(s, x, gotch.CPU, spec.Shape...))
		}
	}
	torch.NoGrad(func() {
		fill(m.Params(), st.Theta, c.Parameters)
		fill(msr.Params(), st.Phi, c.Phi)
		copy(st.ModelState, m.InitialState(s, st.Theta, st.Buffers, torch.Float64()))
	})
	require.NoError(t, s.Err())
	return st
}

func (f msrTrajectories) check(t *testing.T, c msrTrajectory, way meta.GradientMethod) {
	s := torch.NewScope()
	defer func() { require.NoError(t, s.Close()) }()
	st := f.state(t, s, c)
	cfg := meta.Default()
	cfg.Lambda, cfg.Gamma, cfg.NumWeights, cfg.UniformityT = f.MSR.Lambda, f.MSR.Gamma, f.MSR.Weights, f.MSR.T
	cfg.Alpha, cfg.Beta, cfg.Space, cfg.GradientMethod = f.MSR.Alpha, f.MSR.Beta, c.Space, way
	var losses, rates, objectives []float64
	var epochs []meta.Epoch
	tr := &meta.Trainer{State: st, Config: cfg, Source: f,
		Schedule: nets.Schedule{Kind: "constant", LR: 3e-3, Warmup: f.Warmup, Epochs: f.MSR.Epochs, Steps: f.MSR.Steps},
		Hooks: []meta.Hook{{OnStep: func(x meta.Step) error {
			if x.Phase == meta.MetaPhase {
				objectives = append(objectives, x.Loss)
			} else {
				losses, rates = append(losses, x.Loss), append(rates, x.LR)
			}
			return nil
		}, OnEpoch: func(_ *meta.State, e meta.Epoch) error {
			epochs = append(epochs, e)
			return nil
		}}}}
	require.NoError(t, tr.Run(context.Background()))
	f.steps(t, c, losses, rates, objectives)
	f.means(t, c, epochs)
	near := func(want map[string]normAndHead, specs []nets.Spec, got []torch.Tensor) {
		for i, spec := range specs {
			w := want[spec.Name]
			reference.Near(t, []float64{w.Norm}, []float64{math.Sqrt(s.Dot(got[i:i+1], got[i:i+1]))}, f.RTol, spec.Name)
			reference.Near(t, w.Head, torch.Slice[float64](s, got[i])[:len(w.Head)], f.RTol, spec.Name)
		}
	}
	near(c.After, st.Params(), st.Theta)
	near(c.PhiAfter, st.MSR.Params(), st.Phi)
	for what, x := range map[string]struct {
		want []float64
		got  torch.Tensor
	}{"running mean": {c.Mean, st.Buffers[0]}, "running variance": {c.Var, st.Buffers[1]},
		"f_msr's running mean": {c.PhiMean, st.PhiBuffers[0]}, "f_msr's running variance": {c.PhiVar, st.PhiBuffers[1]}} {
		reference.Near(t, x.want, torch.Slice[float64](s, x.got), f.RTol, what)
	}
}

// steps compares what each step tells.
func (f msrTrajectories) steps(t *testing.T, c msrTrajectory, losses, rates, objectives []float64) {
	var sums, lr, meta []float64
	for _, r := range c.Regular {
		sums, lr = append(sums, r.Sum), append(lr, r.Rate)
	}
	for _, m := range c.Meta {
		meta = append(meta, m.Fast+f.MSR.Gamma*m.Uni)
	}
	reference.Near(t, sums, losses, f.RTol, "L_to")
	reference.Near(t, lr, rates, f.RTol, "rates")
	reference.Near(t, meta, objectives, f.RTol, "meta objective")
}

// means compares what each epoch tells.
func (f msrTrajectories) means(t *testing.T, c msrTrajectory, epochs []meta.Epoch) {
	require.Len(t, epochs, f.MSR.Epochs)
	n := float64(f.MSR.Steps)
	for i, e := range epochs {
		want, got := map[string]float64{}, map[string]float64{
			"L_ct":                 e.Value("l_ct"),
			"L_msr":                e.Value("l_msr"),
			"L_ct(theta1)":         e.Value("meta_l_ct_fast"),
			"L_uni":                e.Value("l_uni"),
			"norm of L_ct(theta1)": e.Value("grad_norm_l_ct_fast"),
			"norm of gamma L_uni":  e.Value("grad_norm_l_uni"),
		}
		for k := i * f.MSR.Steps; k < (i+1)*f.MSR.Steps; k++ {
			r, m := c.Regular[k], c.Meta[k]
			want["L_ct"] += r.CT / n
			want["L_msr"] += r.MSR / n
			want["L_ct(theta1)"] += m.Fast / n
			want["L_uni"] += m.Uni / n
			want["norm of L_ct(theta1)"] += m.NormCT / n
			want["norm of gamma L_uni"] += f.MSR.Gamma * m.NormUni / n
		}
		for _, name := range slices.Sorted(maps.Keys(want)) {
			reference.Near(t, []float64{want[name]}, []float64{got[name]}, f.RTol, name)
		}
	}
}
