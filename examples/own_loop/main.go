// Command own_loop adds MSR to a training loop of your own, here that of a classifier. The loss is
// cross entropy plus the do-loss. f_msr learns by the meta step, unrolled through the fast weights.
package main

import (
	"flag"
	"fmt"
	"os"
	"runtime"

	"github.com/icl-msr/icl-msr/losses"
	"github.com/icl-msr/icl-msr/meta"
	"github.com/icl-msr/icl-msr/nets"
	"github.com/icl-msr/icl-msr/torch"
)

const (
	classes     = 10
	numWeights  = 6    // n, the weight vectors of a picture
	temperature = 0.5  // tau of the do-loss
	lambda      = 0.1  // weight of the do-loss
	gamma       = 1    // weight of the uniformity of f_msr's weights
	uniformityT = 2    // t of that uniformity
	alpha       = 3e-3 // rate of the fast weights
	thetaRate   = 3e-3 // learning rate of the classifier
	phiRate     = 1e-3 // learning rate of f_msr
)

// network is a network with its tensors and its optimizer.
type network struct {
	nets.Network
	params, buffers []torch.Tensor
	adam            nets.Optimizer
}

func newNetwork(s *torch.Scope, net nets.Network) (network, error) {
	params := nets.Initialize(s, net.Params(), torch.Float32())
	buffers := nets.Initialize(s, net.Buffers(), torch.Float32())
	adam, err := nets.NewOptimizer(s, nets.OptimizerConfig{Name: "adam"}, net.Params(), params)
	return network{net, params, buffers, adam}, err
}

// batch has N pictures [N, 3, S, S], two views of each [2N, 3, S, S], and their labels [N].
type batch struct{ plain, views, labels torch.Tensor }

// model is a classifier, a backbone with a linear layer, and f_msr.
type model struct {
	backbone   nets.Encoder
	classifier network
	msr        network
}

func newModel(s *torch.Scope) (*model, error) {
	backbone, err := nets.NewBackbone("resnet8", nets.StemCIFAR, 0.125)
	if err != nil {
		return nil, err
	}
	dim := backbone.Dim()
	classifier, err := newNetwork(s, nets.Seq(backbone, nets.Linear(dim, classes)))
	if err != nil {
		return nil, err
	}
	trunk := nets.Seq(
		nets.Conv2d(3, 16, 3, 2, 1),
		nets.BatchNorm(16),
		nets.ReLU(),
		nets.GlobalAvgPool(),
		nets.Linear(16, numWeights*dim),
	)
	msr, err := newNetwork(s, nets.NewMSRWith(trunk, numWeights, dim))
	if err != nil {
		return nil, err
	}
	return &model{backbone, classifier, msr}, nil
}

// loss returns the cross entropy, and the cross entropy plus lambda times the do-loss, at the
// parameters theta and the weights a [N, n, dim].
func (m *model) loss(
	s *torch.Scope, theta []torch.Tensor, a torch.Tensor, b batch, mode nets.Mode,
) (ce, total torch.Tensor) {
	k := len(m.backbone.Params())
	features := m.backbone.Forward(s, theta[:k], m.classifier.buffers, b.views, mode)
	logits := s.Linear(features, theta[k], theta[k+1])
	ce = s.CrossEntropy(logits, s.Cat(0, b.labels, b.labels))

	n := s.Size(b.labels, 0)
	first, second := s.Narrow(features, 0, 0, n), s.Narrow(features, 0, n, n)
	do := losses.Do(s, losses.NewPair(first, second), a, temperature)
	return ce, s.Add(ce, s.MulScalar(do, lambda))
}

// regularStep moves theta. The weights a are constants in it.
func (m *model) regularStep(s *torch.Scope, b batch) torch.Tensor {
	theta := s.Leaves(m.classifier.params)
	a := s.Detach(m.msr.Forward(s, m.msr.params, m.msr.buffers, b.plain, nets.Train()))
	_, total := m.loss(s, theta, a, b, nets.Train())
	gradient := s.Grad([]torch.Tensor{total}, theta, torch.GradOptions{})
	m.classifier.adam.Step(s, m.classifier.params, gradient, thetaRate)
	return total
}

// metaStep moves phi, the parameters of f_msr. It differentiates through the gradient step that
// leads from theta to the fast weights.
func (m *model) metaStep(s *torch.Scope, b batch) torch.Tensor {
	theta, phi := s.Leaves(m.classifier.params), s.Leaves(m.msr.params)
	a := m.msr.Forward(s, phi, m.msr.buffers, b.plain, nets.Meta())
	mode := nets.Meta().DoubleBackward()

	_, inner := m.loss(s, theta, a, b, mode)
	innerGradient := s.Grad([]torch.Tensor{inner}, theta, torch.GradOptions{CreateGraph: true})
	fastWeights := meta.FastWeights(s, theta, innerGradient, alpha)

	ce, _ := m.loss(s, fastWeights, a, b, mode)
	uniformity := losses.WeightUniformity(s, a, uniformityT)
	objective := s.Add(ce, s.MulScalar(uniformity, gamma))
	gradient := s.Grad([]torch.Tensor{objective}, phi, torch.GradOptions{})
	m.msr.adam.Step(s, m.msr.params, gradient, phiRate)
	return objective
}

// draw makes a batch with one picture of each class: the class's pattern and noise. The views have
// further noise.
func draw(s *torch.Scope, patterns, labels torch.Tensor) batch {
	noise := func() torch.Tensor { return s.Normal(0, 0.5, torch.Float32(), classes, 3, 16, 16) }
	plain := s.Add(patterns, noise())
	first, second := s.Add(plain, noise()), s.Add(plain, noise())
	return batch{plain: plain, views: s.Cat(0, first, second), labels: labels}
}

func run(s *torch.Scope, steps int) error {
	m, err := newModel(s)
	if err != nil {
		return err
	}
	patterns := s.Normal(0, 1, torch.Float32(), classes, 3, 16, 16)
	labels := s.Arange(0, classes, torch.CPU())
	for i := range steps {
		err := torch.With(func(t *torch.Scope) error { // frees the step's tensors at its end
			b := draw(t, patterns, labels)
			loss := t.Item(m.regularStep(t, b))
			objective := t.Item(m.metaStep(t, b))
			if err := t.Err(); err != nil {
				return err
			}
			_, err := fmt.Printf("step %d: loss %.3f, meta objective %.3f\n", i+1, loss, objective)
			return err
		})
		if err != nil {
			return err
		}
	}
	return s.Err()
}

func main() {
	steps := flag.Int("steps", 20, "pairs of a regular and a meta step")
	flag.Parse()
	runtime.LockOSThread() // grad mode belongs to the OS thread
	err := torch.With(func(s *torch.Scope) error { return run(s, *steps) })
	if err != nil {
		fmt.Fprintln(os.Stderr, "own_loop:", err)
		os.Exit(1)
	}
}
