package nets

import (
	"github.com/icl-msr/icl-msr/torch"
)

// Recomputed is an evaluation of a network that kept the inputs of its stages, and no graph (Chen et al. 2016,
// "Training deep nets with sublinear memory cost", arXiv 1604.06174; as torch.utils.checkpoint).
type Recomputed struct {
	Output torch.Tensor // of the network, without a graph
	scope  *torch.Scope
	stages []checkpoint
	p      []torch.Tensor
	mode   Mode
}

// checkpoint is what a stage needs to run again.
type checkpoint struct {
	net    Network
	p, b   []torch.Tensor
	x      torch.Tensor
	random torch.Generator // a custom network may have dropout
}

// Recompute evaluates n as n.Forward does, stage by stage (Staged). s keeps the stages' inputs and the first error.
func Recompute(s *torch.Scope, n Network, p, b []torch.Tensor, x torch.Tensor, m Mode) *Recomputed {
	defer torch.SetGrad(false)()
	c := &Recomputed{Output: x, scope: s, p: p, mode: m.WithoutUpdate()}
	if !Check(s, "network", n.Params(), p) || !Check(s, "network's buffers", n.Buffers(), b) {
		return c
	}
	device := s.Like(x).Device
	for _, stage := range stages(n) {
		np, nb := len(stage.Params()), len(stage.Buffers())
		if s.Err() != nil {
			return c
		}
		k := checkpoint{stage, p[:np], b[:nb], c.Output, s.Generator(device)}
		s.Within(func(t *torch.Scope) { c.Output = s.Hold(stage.Forward(t, k.p, k.b, k.x, m)) })
		c.stages = append(c.stages, k)
		p, b = p[np:], b[nb:]
	}
	return c
}

// stages takes a network apart into what it applies in order. A network that is not Staged is one stage.
func stages(n Network) (out []Network) {
	q, ok := n.(Staged)
	if !ok {
		return []Network{n}
	}
	for _, part := range q.Stages() {
		out = append(out, stages(part)...)
	}
	return out
}

// Pull returns the gradients by the parameters, in their order. seed is the gradient at Output, of its shape. Each
// stage runs once more, with a graph that is freed before the next stage; its input is freed, so that Pull works once.
// Running statistics do not move again.
func (c *Recomputed) Pull(s *torch.Scope, seed torch.Tensor) []torch.Tensor {
	defer torch.SetGrad(true)()
	grads := make([]torch.Tensor, 0, len(c.p))
	after := s.Generator(s.Like(seed).Device)
	for i := len(c.stages) - 1; i >= 0; i-- {
		k, at := c.stages[i], seed
		s.Within(func(t *torch.Scope) {
			k.random.Restore(t)
			inputs, x := t.Leaves(k.p), k.x
			if i > 0 {
				x = t.Leaves([]torch.Tensor{x})[0]
				inputs = append(inputs, x)
			}
			if len(inputs) == 0 {
				return
			}
			y := k.net.Forward(t, inputs[:len(k.p)], k.b, x, c.mode)
			g := t.Grad([]torch.Tensor{y}, inputs, torch.GradOptions{Seeds: []torch.Tensor{at}})
			grads = append(s.HoldAll(g[:len(k.p)]), grads...)
			if i > 0 {
				seed = s.Hold(g[len(k.p)])
			}
		})
		if i < len(c.stages)-1 {
			s.Free(at)
		}
		if i > 0 {
			c.scope.Free(k.x)
		}
	}
	after.Restore(s)
	return grads
}
