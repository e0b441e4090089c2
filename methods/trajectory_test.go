package methods_test

import (
	"context"
	"encoding/json"
	"iter"
	"math"
	"slices"
	"strings"
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

// trajectory is a method's training steps of the reference.
type trajectory struct {
	Method      string
	Temperature float64 // 0: trajectories.json has 0.5, and 0.2 for MoCo
	Views       int     // 0: two
	Sizes       []int   // of views; none: all as the pictures
	Parameters  map[string][]int64
	Losses      []float64
	Rates       []float64
	Momentum    []float64 `json:"target_momentum"`
	After       map[string]struct {
		Norm float64
		Head []float64
	}
	Mean   []float64          `json:"running_mean_conv1"`
	Var    []float64          `json:"running_var_conv1"`
	Target map[string]float64 `json:"target_after"`
	Queue  float64            `json:"queue_after_norm_of_sum"`
}

// trajectories are a file of them.
type trajectories struct {
	RTol, Phase           float64
	Pictures, Size, Steps int
	Hidden, Out           int64
	Warmup                int `json:"warmup_steps"`
	Cases                 []trajectory
}

// authors are the options that make a method what its authors' code, or that of
// the baseline, does.
type authors struct {
	name      string
	options   map[string]float64
	optimizer nets.OptimizerConfig
	lr        float64
}

func authorsOf(method string) (authors, bool) {
	adam := nets.OptimizerConfig{Name: "adam", WeightDecay: 1e-6}
	a, ok := map[string]authors{
		"simclr":  {"simclr", map[string]float64{"head_last": 1, "view_norm": 1}, adam, 3e-3},
		"byol":    {"byol", map[string]float64{"view_norm": 2}, adam, 3e-3},
		"moco_v2": {"moco", map[string]float64{"head_norm": 0, "view_norm": 2, "directions": 1}, adam, 3e-3},
		"simsiam": {"simsiam", map[string]float64{"head_layers": 3, "head_bias": 2, "head_last": 2, "view_norm": 2,
			"predictor_bias": 3, "predictor_steady": 1},
			nets.OptimizerConfig{Name: "sgd", Momentum: 0.9, WeightDecay: 1e-4}, 0.05},
		"barlow_twins": {"barlow_twins", map[string]float64{"head_layers": 3, "head_bias": 2, "view_norm": 2}, adam, 3e-3},
		"vicreg":       {"vicreg", map[string]float64{"head_layers": 3, "head_bias": 1, "view_norm": 2}, adam, 3e-3},
	}[method]
	if !ok {
		return paper(method)
	}
	return a, ok
}

// parameter is the reference's formula.
func (f trajectories) parameter(s *torch.Scope, spec nets.Spec) torch.Tensor {
	return torch.FromSlice(s, reference.Parameter(spec.Name, spec.Shape, f.Phase), gotch.CPU, spec.Shape...)
}

// source makes the reference's views; an epoch is one step.
type source struct {
	trajectories
	sizes []int // of views
}

func (f source) Steps() int            { return 1 }
func (f source) Waited() time.Duration { return 0 }

// Batches yields a step's views, in float64. An epoch has two phases.
func (f source) Batches(_ context.Context, n uint64, _, _ int) iter.Seq2[meta.HostBatch, error] {
	return func(yield func(meta.HostBatch, error) bool) {
		yield(meta.HostBatch{N: f.Pictures, Size: f.Size, Sizes: f.sizes, Views: make([][]float32, len(f.sizes)),
			Device: func(s *torch.Scope, _ gotch.Device) (views []torch.Tensor, plain torch.Tensor) {
				for v := range f.sizes {
					views = append(views, f.view(s, n/2, v))
				}
				return views, plain
			}}, nil)
	}
}

func (f source) view(s *torch.Scope, step uint64, v int) torch.Tensor {
	n, side := int64(f.Pictures), int64(f.sizes[v])
	pictures := reference.Pictures(f.Pictures, f.sizes[v], int(step), v, f.Phase)
	return torch.FromSlice(s, pictures, gotch.CPU, n, 3, side, side)
}

// Each method reproduces whole training steps that were computed independently:
// heads and their norms, the order of views, optimizer, schedule, target and
// queue, not the loss alone.
func TestReferenceTrajectories(t *testing.T) {
	reference.Each(t, func(t *testing.T, data []byte) (n int) {
		var f trajectories
		if json.Unmarshal(data, &f) != nil || f.Steps == 0 {
			return 0
		}
		for _, c := range f.Cases {
			a, ok := authorsOf(c.Method)
			if !ok {
				t.Logf("%s is not known here", c.Method)
				continue
			}
			n++
			t.Run(c.Method, func(t *testing.T) { f.check(t, c, a) })
		}
		return n
	})
}

// trainer is a run of the case.
func (f trajectories) trainer(t *testing.T, s *torch.Scope, c trajectory, a authors) *meta.Trainer {
	backbone := narrow(t)
	if w := c.Parameters["predictor.0.weight"]; len(w) > 0 {
		a.options["predictor_hidden"] = float64(w[0])
	}
	method, err := methods.New(a.name, f.config(c, a))
	require.NoError(t, err)
	m, err := model.New(method, backbone)
	require.NoError(t, err)
	require.Len(t, m.Params(), len(c.Parameters))
	st, err := meta.NewState(s, meta.StateOptions{Model: m, Optimizer: a.optimizer, Options: torch.Float64()})
	require.NoError(t, err)
	torch.NoGrad(func() {
		for i, spec := range m.Params() {
			require.Equal(t, c.Parameters[spec.Name], spec.Shape, spec.Name)
			s.Copy(st.Theta[i], f.parameter(s, spec))
			if strings.HasPrefix(spec.Name, "prototypes.") {
				s.Copy(st.Theta[i], s.Normalize(st.Theta[i]))
			}
		}
		copy(st.ModelState, m.InitialState(s, st.Theta, st.Buffers, torch.Float64()))
		for i, spec := range m.State() {
			if spec.Name == "queue" {
				s.Copy(st.ModelState[i], f.queue(s))
			}
		}
	})
	require.NoError(t, s.Err())
	return &meta.Trainer{State: st, Source: source{f, c.sizes(f.Size)},
		Schedule: nets.Schedule{Kind: "constant", LR: a.lr, Warmup: f.Warmup, Epochs: f.Steps, Steps: 1}}
}

// queue is the reference's, whose first rows leave first: here the last do.
func (f trajectories) queue(s *torch.Scope) torch.Tensor {
	n := int(32 * f.Out)
	rows := make([]float64, n)
	for i := range rows {
		row, column := 31-i/int(f.Out), i%int(f.Out)
		rows[i] = math.Sin(0.9*float64(row*int(f.Out)+column) + f.Phase)
	}
	return s.Normalize(torch.FromSlice(s, rows, gotch.CPU, 32, f.Out))
}

// narrow is the reference's backbone: one block a stage, 8 channels.
func narrow(t *testing.T) nets.Encoder {
	backbone, err := nets.NewBackbone("resnet10", nets.StemCIFAR, 0.125)
	require.NoError(t, err)
	return backbone
}

func (f trajectories) check(t *testing.T, c trajectory, a authors) {
	s := torch.NewScope()
	defer func() { require.NoError(t, s.Close()) }()
	tr := f.trainer(t, s, c, a)
	st := tr.State
	var got trajectory
	var target map[string]float64 // as the last step's keys saw it
	tr.Hooks = []meta.Hook{{OnEpoch: func(_ *meta.State, e meta.Epoch) error {
		got.Losses, got.Rates = append(got.Losses, e.Value("l_to")), append(got.Rates, e.Value("lr"))
		progress := float64(e.Epoch) / float64(f.Steps)
		if c.Momentum != nil {
			got.Momentum = append(got.Momentum, st.Momentum(progress))
		}
		if e.Epoch == f.Steps-2 || a.name != "moco" {
			target = norms(s, st, "target.")
		}
		return nil
	}}}
	require.NoError(t, tr.Run(context.Background()))
	absolute := 0.0
	if a.name == "simsiam" { // losses near zero
		absolute = f.RTol
	}
	for i, want := range c.Losses {
		require.InDelta(t, want, got.Losses[i], max(absolute, f.RTol*math.Abs(want)), "loss of step %d", i)
	}
	reference.Near(t, c.Rates, got.Rates, f.RTol, "rates")
	if len(c.Momentum) > 0 {
		reference.Near(t, c.Momentum, got.Momentum, f.RTol, "moving averages' tau")
	}
	after := norms(s, st, "")
	for i, spec := range st.Params() {
		want := c.After[spec.Name]
		reference.Near(t, []float64{want.Norm}, []float64{after[spec.Name]}, f.RTol, spec.Name)
		reference.Near(t, want.Head, slice(s, st.Theta[i])[:len(want.Head)], f.RTol, spec.Name)
	}
	require.Regexp(t, `^backbone\.(l\.)?bn1\.running_mean$`, st.Model.Buffers()[0].Name)
	require.Regexp(t, `^backbone\.(l\.)?bn1\.running_var$`, st.Model.Buffers()[1].Name)
	reference.Near(t, c.Mean, slice(s, st.Buffers[0])[:len(c.Mean)], f.RTol, "running mean")
	reference.Near(t, c.Var, slice(s, st.Buffers[1])[:len(c.Var)], f.RTol, "running variance")
	for name, want := range c.Target {
		if strings.HasPrefix(name, "predictor.") {
			continue // the reference averages it with the rest, and nothing uses it
		}
		reference.Near(t, []float64{want}, []float64{target["target."+name]}, f.RTol, "target of "+name)
	}
	if c.Queue != 0 {
		at := slices.IndexFunc(st.Model.State(), func(spec nets.Spec) bool { return strings.HasPrefix(spec.Name, "queue") })
		norm := s.Item(s.Norm([]torch.Tensor{s.SumDim(st.ModelState[at], false, 0)}))
		reference.Near(t, []float64{c.Queue}, []float64{norm}, f.RTol, "queue")
	}
}

// norms are those of the parameters of the state, or of its target, by name.
func norms(s *torch.Scope, st *meta.State, prefix string) map[string]float64 {
	out := map[string]float64{}
	for _, x := range st.Tensors() {
		if strings.HasPrefix(x.Name, prefix) && (strings.HasSuffix(x.Name, "weight") || strings.HasSuffix(x.Name, "bias")) {
			out[x.Name] = math.Sqrt(s.Dot([]torch.Tensor{x.Tensor}, []torch.Tensor{x.Tensor}))
		}
	}
	return out
}
