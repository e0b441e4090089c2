// Command own_loop adds MSR to a training loop of one's own, here of a
// classifier: the loss is cross entropy plus the do-loss, and f_msr learns by
// the meta step, unrolled through the fast weights.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"runtime"

	"github.com/icl-msr/icl-msr/losses"
	"github.com/icl-msr/icl-msr/meta"
	"github.com/icl-msr/icl-msr/nets"
	"github.com/icl-msr/icl-msr/torch"
)

const lambda, gamma, alpha, beta, rate, classes = 0.1, 1, 3e-3, 1e-3, 3e-3, 10

// network is a network with its tensors and its optimizer.
type network struct {
	nets.Network
	params, buffers []torch.Tensor
	adam            nets.Optimizer
}

func newNetwork(s *torch.Scope, n nets.Network) network {
	p, b := nets.Initialize(s, n.Params(), torch.Float32()), nets.Initialize(s, n.Buffers(), torch.Float32())
	adam, err := nets.NewOptimizer(s, nets.OptimizerConfig{Name: "adam"}, n.Params(), p)
	s.Fail(err) // none: nothing
	return network{n, p, b, adam}
}

// batch is N pictures [N, 3, S, S], two views of each [2N, 3, S, S], and labels [N].
type batch struct{ plain, views, labels torch.Tensor }

// model is f_msr and a classifier: a backbone and a linear layer.
type model struct {
	backbone nets.Encoder
	f, msr   network
}

// loss is cross entropy, and with lambda L_msr, at theta with weights a [N, n, dim].
func (v model) loss(s *torch.Scope, theta []torch.Tensor, a torch.Tensor, b batch, m nets.Mode) (ce, total torch.Tensor) {
	np, n := len(v.backbone.Params()), s.Size(b.labels, 0)
	h := v.backbone.Forward(s, theta[:np], v.f.buffers, b.views, m)
	ce = s.CrossEntropy(s.Linear(h, theta[np], theta[np+1]), s.Cat(0, b.labels, b.labels))
	do := losses.Do(s, losses.Local(s.Narrow(h, 0, 0, n), s.Narrow(h, 0, n, n)), a, 0.5)
	return ce, s.Add(ce, s.MulScalar(do, lambda))
}

// step is a regular step on theta, with a held constant, and a meta step on phi.
func (v model) step(s *torch.Scope, b batch) (regular, outer torch.Tensor) {
	theta := s.Leaves(v.f.params)
	a := s.Detach(v.msr.Forward(s, v.msr.params, v.msr.buffers, b.plain, nets.Train()))
	_, regular = v.loss(s, theta, a, b, nets.Train())
	v.f.adam.Step(s, v.f.params, s.Grad([]torch.Tensor{regular}, theta, torch.GradOptions{}), rate)

	theta, phi := s.Leaves(v.f.params), s.Leaves(v.msr.params)
	a = v.msr.Forward(s, phi, v.msr.buffers, b.plain, nets.Meta())
	_, inner := v.loss(s, theta, a, b, nets.Meta().DoubleBackward())
	g := s.Grad([]torch.Tensor{inner}, theta, torch.GradOptions{CreateGraph: true})
	fast, _ := v.loss(s, meta.FastWeights(s, theta, g, alpha), a, b, nets.Meta().DoubleBackward())
	outer = s.Add(fast, s.MulScalar(losses.WeightUniformity(s, a, 2), gamma))
	v.msr.adam.Step(s, v.msr.params, s.Grad([]torch.Tensor{outer}, phi, torch.GradOptions{}), beta)
	return regular, outer
}

func run(s *torch.Scope, steps int) error {
	backbone, err := nets.NewBackbone("resnet8", nets.StemCIFAR, 0.125)
	if err != nil {
		return err
	}
	weights := nets.NewMSRWith(nets.Seq(nets.Conv2d(3, 16, 3, 2, 1), nets.BatchNorm(16), nets.ReLU(), nets.GlobalAvgPool(), nets.Linear(16, 6*backbone.Dim())), 6, backbone.Dim())
	v := model{backbone, newNetwork(s, nets.Seq(backbone, nets.Linear(backbone.Dim(), classes))), newNetwork(s, weights)}
	patterns, labels := s.Normal(0, 1, torch.Float32(), classes, 3, 16, 16), s.Arange(0, classes, torch.CPU())
	for i := 0; i < steps && err == nil; i++ {
		err = torch.With(func(t *torch.Scope) error { // what a step makes is freed at its end
			noise := func() torch.Tensor { return t.Normal(0, 0.5, torch.Float32(), classes, 3, 16, 16) }
			plain := t.Add(patterns, noise()) // pictures of one's own: a pattern for each class, and noise
			b := batch{plain, t.Cat(0, t.Add(plain, noise()), t.Add(plain, noise())), labels}
			regular, outer := v.step(t, b)
			fmt.Printf("step %d: loss %.3f, meta objective %.3f\n", i+1, t.Item(regular), t.Item(outer))
			return errors.Join(s.Err(), t.Err())
		})
	}
	return err
}

func main() {
	steps := flag.Int("steps", 20, "pairs of a regular and a meta step")
	flag.Parse()
	runtime.LockOSThread() // grad mode belongs to it
	if err := torch.With(func(s *torch.Scope) error { return run(s, *steps) }); err != nil {
		fmt.Fprintln(os.Stderr, "own_loop:", err)
		os.Exit(1)
	}
}
