package eval

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math"

	"github.com/sugarme/gotch"

	"github.com/icl-msr/icl-msr/nets"
	"github.com/icl-msr/icl-msr/torch"
)

// FineTuneConfig are the constants of fine-tuning a backbone with labels.
type FineTuneConfig struct {
	Epochs      int
	LR          float64 // of the backbone; cosine to 0
	HeadLR      float64 // of the linear classifier; cosine to 0
	Momentum    float64 // of SGD, Nesterov's
	WeightDecay float64 // L2
	Seed        uint64  // of the classifier's initialisation
}

// DefaultFineTune is SimCLR's semi-supervised recipe (Chen et al. 2020, arXiv 2002.05709, appendix B.5): SGD with
// Nesterov momentum 0.9 and rate 0.05 for batches of 256, without L2 and warm-up. It has 60 epochs for 1% of the
// labels; the recipe has 30 for 10%.
func DefaultFineTune() FineTuneConfig {
	return FineTuneConfig{Epochs: 60, LR: 0.05, HeadLR: 0.05, Momentum: 0.9}
}

// Validate reports the first setting that is wrong.
func (c FineTuneConfig) Validate() error {
	if c.Epochs < 1 || !(c.LR >= 0) || !(c.HeadLR > 0) || math.IsInf(c.LR+c.HeadLR, 0) {
		return fmt.Errorf("fine-tuning of %d epochs at rates %g and %g; want positive numbers", c.Epochs, c.LR, c.HeadLR)
	}
	return nil
}

// Classifier is a backbone with a linear classifier on its features.
type Classifier struct {
	backbone    nets.Encoder
	head        nets.Network
	p, b, h     []torch.Tensor // of the backbone and of the classifier
	classes     int
	pOpt, hOpt  nets.Optimizer
	config      FineTuneConfig
	steps, done int // in all, and so far
}

// NewClassifier puts a new linear classifier on a backbone. Fine-tuning moves the backbone's parameters p and buffers b
// in place. steps is the number of batches of an epoch. The classifier lives in s.
func NewClassifier(
	s *torch.Scope, backbone nets.Encoder, p, b []torch.Tensor, classes, steps int, c FineTuneConfig,
) (*Classifier, error) {
	if err := c.Validate(); err != nil {
		return nil, fmt.Errorf("eval: %w", err)
	}
	if classes < 2 || steps < 1 {
		return nil, fmt.Errorf("eval: a classifier of %d classes with %d batches an epoch; want 2 and 1 or more",
			classes, steps)
	}
	k := &Classifier{
		backbone: backbone,
		head:     nets.Linear(backbone.Dim(), int64(classes)),
		p:        p,
		b:        b,
		classes:  classes,
		config:   c,
		steps:    steps * c.Epochs,
	}
	if err := torch.ManualSeed(c.Seed); err != nil {
		return nil, err
	}
	if len(p) == 0 {
		return nil, errors.New("eval: the backbone has no parameters to fine-tune")
	}
	k.h = nets.Initialize(s, k.head.Params(), s.Like(p[0]))
	sgd := nets.OptimizerConfig{Name: "sgd", Momentum: c.Momentum, Nesterov: c.Momentum > 0, WeightDecay: c.WeightDecay}
	var err error
	if k.pOpt, err = nets.NewOptimizer(s, sgd, backbone.Params(), p); err != nil {
		return nil, err
	}
	if k.hOpt, err = nets.NewOptimizer(s, sgd, k.head.Params(), k.h); err != nil {
		return nil, err
	}
	return k, s.Err()
}

// Epoch trains on the batches of an epoch and returns their mean loss. The loss is summed on the backbone's device,
// which is read once.
func (k *Classifier) Epoch(ctx context.Context, batches iter.Seq2[Batch, error]) (float64, error) {
	u, n := torch.NewScope(), 0
	defer u.Close()
	total := u.Zeros(torch.Options{DType: gotch.Double, Device: u.Like(k.p[0]).Device}, 1)
	for b, err := range batches {
		if err != nil {
			return 0, err
		}
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		u.Within(func(s *torch.Scope) {
			s.AddAll([]torch.Tensor{total}, []torch.Tensor{s.Figures(k.step(s, b))})
		})
		if u.Err() != nil {
			return 0, u.Err()
		}
		n++
	}
	sum := u.Item(total)
	if u.Err() != nil {
		return 0, u.Err()
	}
	if mean := sum / float64(max(1, n)); n > 0 && !math.IsNaN(mean) && !math.IsInf(mean, 0) {
		return mean, ctx.Err()
	}
	return 0, fmt.Errorf("eval: the loss became %g in fine-tuning; lower the rate", sum)
}

// step trains on a batch and returns its loss.
func (k *Classifier) step(s *torch.Scope, b Batch) torch.Tensor {
	defer torch.SetGrad(true)()
	p, h := s.Leaves(k.p), s.Leaves(k.h)
	labels := torch.Upload(s, b.Labels, s.Like(k.p[0]).Device, int64(len(b.Labels)))
	loss := s.CrossEntropy(k.logits(s, p, h, b, nets.Train()), labels)
	grads := s.Grad([]torch.Tensor{loss}, append(p[:len(p):len(p)], h...), torch.GradOptions{})
	rate := (1 + math.Cos(math.Pi*float64(k.done)/float64(k.steps))) / 2
	if s.Err() == nil {
		k.pOpt.Step(s, k.p, grads[:len(p)], rate*k.config.LR)
		k.hOpt.Step(s, k.h, grads[len(p):], rate*k.config.HeadLR)
	}
	k.done++
	return loss
}

func (k *Classifier) logits(s *torch.Scope, p, h []torch.Tensor, b Batch, m nets.Mode) torch.Tensor {
	o := s.Like(k.p[0])
	x := s.To(torch.Upload(s, b.Pictures, o.Device, int64(len(b.Labels)), 3, b.Size, b.Size), o)
	return k.head.Forward(s, h, nil, k.backbone.Forward(s, p, k.b, x, m), m)
}

// Score returns the accuracy on test pictures, with the running statistics. Logits that are not finite are an error,
// *NotFinite.
func (k *Classifier) Score(ctx context.Context, batches iter.Seq2[Batch, error]) (acc Accuracy, err error) {
	top := min(5, k.classes)
	var guesses []int64
	test, finite := Features{Classes: k.classes}, int64(0)
	for b, err := range batches {
		if err != nil {
			return acc, err
		}
		err := torch.With(func(s *torch.Scope) error {
			defer torch.SetGrad(false)()
			logits := k.logits(s, k.p, k.h, b, nets.Eval())
			_, index := s.TopK(logits, int64(top), 1, true)
			found := torch.Slice[float64](s, s.Figures(index, finiteRows(s, logits))) // in one transfer
			if s.Err() != nil {
				return s.Err()
			}
			for _, g := range found[:len(found)-1] {
				guesses = append(guesses, int64(g))
			}
			finite += int64(found[len(found)-1])
			return nil
		})
		if err != nil {
			return acc, err
		}
		test.Labels = append(test.Labels, b.Labels...)
	}
	if len(test.Labels) == 0 {
		return acc, errors.New("eval: no pictures")
	}
	if n := int64(len(test.Labels)); finite < n {
		return acc, &NotFinite{Rows: n - finite, Of: n}
	}
	return count(guesses, test, top), ctx.Err()
}
