package nets

import (
	"fmt"
	"math"

	"github.com/icl-msr/icl-msr/internal/suggest"
	"github.com/icl-msr/icl-msr/torch"
)

// Optimizer moves parameters by gradients, in place. Its state is tensors and a count, so that it can be saved.
type Optimizer interface {
	// Step applies one update with learning rate lr. A parameter whose gradient is undefined is left alone.
	Step(s *torch.Scope, params, grads []torch.Tensor, lr float64)
	// State returns the state's tensors by name, and the number of updates.
	State() (tensors []NamedTensor, steps int64)
	// SetSteps restores the number of updates. The tensors of State are restored by writing into them.
	SetSteps(n int64)
}

// NamedTensor is a tensor with its name in a checkpoint.
type NamedTensor struct {
	Name   string
	Tensor torch.Tensor
}

// OptimizerConfig chooses and tunes an optimizer.
type OptimizerConfig struct {
	Name        string  `yaml:"optimizer"`    // adam, sgd or lars
	WeightDecay float64 `yaml:"weight-decay"` // L2: this times the parameter is added to its gradient
	Matrices    bool    `yaml:"-"`            // decay matrices and kernels only, not biases and norms; lars always does
	Momentum    float64 `yaml:"momentum"`     // sgd, lars
	Nesterov    bool    `yaml:"-"`            // sgd
	Beta1       float64 `yaml:"-"`            // adam; 0 means 0.9
	Beta2       float64 `yaml:"-"`            // adam; 0 means 0.999
	Eps         float64 `yaml:"-"`            // adam; 0 means 1e-8
	Trust       float64 `yaml:"-"`            // lars; 0 means 1e-3
}

// builder builds an optimizer for params. Its state lives in s.
type builder func(s *torch.Scope, c OptimizerConfig, b base, params []torch.Tensor) Optimizer

func optimizers() suggest.Table[builder] {
	return suggest.Table[builder]{
		{Name: "adam", Is: newAdam},
		{Name: "sgd", Is: newSGD},
		{Name: "lars", Is: newLARS},
	}
}

// Optimizers returns the names that NewOptimizer knows.
func Optimizers() []string { return optimizers().Names() }

// NewOptimizer builds an optimizer for params. Its state lives in s.
func NewOptimizer(s *torch.Scope, c OptimizerConfig, specs []Spec, params []torch.Tensor) (Optimizer, error) {
	if len(specs) != len(params) {
		return nil, fmt.Errorf("nets: optimizer of %d specs for %d parameters", len(specs), len(params))
	}
	if c.WeightDecay < 0 || c.Momentum < 0 || c.Momentum >= 1 {
		return nil, fmt.Errorf("weight decay %g and momentum %g; want 0 or more, and momentum below 1",
			c.WeightDecay, c.Momentum)
	}
	build, err := optimizers().Find("optimizer", c.Name)
	if err != nil {
		return nil, err
	}
	return build(s, c, base{specs: specs}, params), s.Err()
}

type base struct {
	specs []Spec
	steps int64
}

func (b *base) SetSteps(n int64) { b.steps = n }

func (b *base) named(kind string, ts []torch.Tensor) []NamedTensor {
	out := make([]NamedTensor, len(ts))
	for i, t := range ts {
		out[i] = NamedTensor{b.specs[i].Name + "." + kind, t}
	}
	return out
}

// adam is torch.optim.Adam (Kingma and Ba 2014, arXiv 1412.6980), with weight decay as L2.
type adam struct {
	base
	m, v   []torch.Tensor
	o      torch.AdamOptions
	decays []float64
}

func newAdam(s *torch.Scope, c OptimizerConfig, b base, params []torch.Tensor) Optimizer {
	o := torch.AdamOptions{
		Beta1: orDefault(c.Beta1, 0.9),
		Beta2: orDefault(c.Beta2, 0.999),
		Eps:   orDefault(c.Eps, 1e-8),
	}
	decays := decays(b.specs, c.WeightDecay, c.Matrices)
	return &adam{base: b, m: zeros(s, params), v: zeros(s, params), o: o, decays: decays}
}

func (a *adam) Step(s *torch.Scope, params, grads []torch.Tensor, lr float64) {
	a.steps++
	o := a.o
	o.Step, o.LR = a.steps, lr
	at := map[float64][]int{}
	for i, d := range a.decays {
		at[d] = append(at[d], i)
	}
	for d, is := range at {
		o.WeightDecay = d
		s.Adam(pick(params, is), pick(grads, is), pick(a.m, is), pick(a.v, is), o)
	}
}

func (a *adam) State() ([]NamedTensor, int64) {
	return append(a.named("exp_avg", a.m), a.named("exp_avg_sq", a.v)...), a.steps
}

// sgd is torch.optim.SGD.
type sgd struct {
	base
	m []torch.Tensor
	o torch.SGDOptions
}

func newSGD(s *torch.Scope, c OptimizerConfig, b base, params []torch.Tensor) Optimizer {
	return &sgd{base: b, m: zeros(s, params), o: torch.SGDOptions{
		Momentum:    c.Momentum,
		Nesterov:    c.Nesterov,
		WeightDecay: decays(b.specs, c.WeightDecay, c.Matrices),
	}}
}

func (g *sgd) Step(s *torch.Scope, params, grads []torch.Tensor, lr float64) {
	o := g.o
	o.First, o.LR = g.steps == 0, lr
	g.steps++
	s.SGD(params, grads, g.m, o)
}

func (g *sgd) State() ([]NamedTensor, int64) { return g.named("momentum_buffer", g.m), g.steps }

// lars is layer-wise adaptive SGD (You et al. 2017, arXiv 1708.03888). Vectors (biases and batch norm) are neither
// decayed nor adapted, as in SimCLR's and BYOL's recipes.
type lars struct {
	base
	m []torch.Tensor
	o torch.LARSOptions
}

func newLARS(s *torch.Scope, c OptimizerConfig, b base, params []torch.Tensor) Optimizer {
	return &lars{base: b, m: zeros(s, params), o: torch.LARSOptions{
		Momentum:    c.Momentum,
		Trust:       orDefault(c.Trust, 1e-3),
		WeightDecay: decays(b.specs, c.WeightDecay, true),
		Adapt:       matrices(b.specs),
	}}
}

func (l *lars) Step(s *torch.Scope, params, grads []torch.Tensor, lr float64) {
	o := l.o
	o.LR = lr
	l.steps++
	s.LARS(params, grads, l.m, o)
}

func (l *lars) State() ([]NamedTensor, int64) { return l.named("momentum_buffer", l.m), l.steps }

func zeros(s *torch.Scope, params []torch.Tensor) []torch.Tensor {
	out := make([]torch.Tensor, len(params))
	for i, p := range params {
		out[i] = s.ZerosLike(s.Detach(p))
	}
	return out
}

func matrices(specs []Spec) []bool {
	out := make([]bool, len(specs))
	for i, spec := range specs {
		out[i] = len(spec.Shape) > 1
	}
	return out
}

func decays(specs []Spec, decay float64, matricesOnly bool) []float64 {
	out := make([]float64, len(specs))
	for i, spec := range specs {
		if !matricesOnly || len(spec.Shape) > 1 {
			out[i] = decay
		}
	}
	return out
}

func orDefault(x, d float64) float64 {
	if x == 0 || math.IsNaN(x) {
		return d
	}
	return x
}
