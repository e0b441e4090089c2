package nets

import "github.com/icl-msr/icl-msr/torch"

// steady is an optimizer some of whose parameters have a fixed learning rate, as SimSiam's predictor (Chen and He 2021,
// arXiv 2011.10566, section 4.2). It is two optimizers, since each parameter's update is independent of the others.
type steady struct {
	moving, fixed Optimizer
	at            [2][]int // places of the parameters of each
	rate          float64
}

// Steadied is an optimizer that is told the fixed rate before each step.
type Steadied interface {
	// Base sets the fixed rate.
	Base(lr float64)
}

// NewSteady is NewOptimizer with a fixed rate, that of Base, for the parameters that fixed marks. If it marks none, the
// result is no Steadied.
func NewSteady(
	s *torch.Scope, c OptimizerConfig, specs []Spec, params []torch.Tensor, fixed []bool,
) (Optimizer, error) {
	var o steady
	for i := range params {
		k := 0
		if i < len(fixed) && fixed[i] {
			k = 1
		}
		o.at[k] = append(o.at[k], i)
	}
	if len(o.at[1]) == 0 {
		return NewOptimizer(s, c, specs, params)
	}
	var err error
	if o.moving, err = NewOptimizer(s, c, pick(specs, o.at[0]), pick(params, o.at[0])); err != nil {
		return nil, err
	}
	o.fixed, err = NewOptimizer(s, c, pick(specs, o.at[1]), pick(params, o.at[1]))
	return &o, err
}

func pick[T any](xs []T, at []int) []T {
	out := make([]T, len(at))
	for k, i := range at {
		out[k] = xs[i]
	}
	return out
}

// Base implements Steadied.
func (o *steady) Base(lr float64) { o.rate = lr }

// Step implements Optimizer.
func (o *steady) Step(s *torch.Scope, params, grads []torch.Tensor, lr float64) {
	o.moving.Step(s, pick(params, o.at[0]), pick(grads, o.at[0]), lr)
	o.fixed.Step(s, pick(params, o.at[1]), pick(grads, o.at[1]), o.rate)
}

// State implements Optimizer.
func (o *steady) State() ([]NamedTensor, int64) {
	a, n := o.moving.State()
	b, _ := o.fixed.State()
	return append(a, b...), n
}

// SetSteps implements Optimizer.
func (o *steady) SetSteps(n int64) {
	o.moving.SetSteps(n)
	o.fixed.SetSteps(n)
}
