package eval

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/icl-msr/icl-msr/internal/suggest"
	"github.com/icl-msr/icl-msr/nets"
	"github.com/icl-msr/icl-msr/torch"
)

// LinearConfig are the constants of the linear probe.
type LinearConfig struct {
	Epochs      int
	BatchSize   int
	Optimizer   string // adam or sgd
	Schedule    string // exponential, from LR to FinalLR; cosine, to 0; or step, a tenth at 3/5 and 4/5 of the epochs
	LR, FinalLR float64
	Momentum    float64 // of sgd
	WeightDecay float64 // L2
	Seed        uint64  // of the initialisation and of the rows' order
}

// Name implements Evaluator.
func (c *LinearConfig) Name() string { return "linear" }

// Figures implements Evaluator.
func (c *LinearConfig) Figures() []Figure {
	return []Figure{
		{Name: "top1", Title: "linear top-1", Short: "linear", Long: "linear probe", Share: true},
		{Name: "top5", Title: "top-5", Share: true},
		{Name: "classes"},
	}
}

// Bind implements Evaluator.
func (c *LinearConfig) Bind(f Flags) {
	f.IntVar(&c.Epochs, "epochs", c.Epochs, "epochs of the linear probe")
	f.StringVar(&c.Optimizer, "optimizer", c.Optimizer, "optimizer of the probe: adam, sgd or lars")
	f.StringVar(&c.Schedule, "schedule", c.Schedule,
		"schedule of the probe: exponential, cosine or step (a tenth at 3/5 and 4/5)")
	f.Float64Var(&c.LR, "lr", c.LR, "initial learning rate of the probe")
	f.Float64Var(&c.FinalLR, "final-lr", c.FinalLR, "final learning rate of the probe, for the exponential schedule")
	f.Float64Var(&c.Momentum, "momentum", c.Momentum, "momentum of the probe's sgd and lars")
	f.Float64Var(&c.WeightDecay, "weight-decay", c.WeightDecay, "L2 penalty of the probe")
	f.IntVar(&c.BatchSize, "probe-batch-size", c.BatchSize, "feature rows of a step of the probe")
	f.Uint64Var(&c.Seed, "seed", c.Seed, "seed of the probe")
}

// Fit implements Evaluator.
func (c *LinearConfig) Fit(ctx context.Context, s *torch.Scope, train Features) (Fitted, error) {
	p, err := FitLinear(ctx, s, train, *c)
	return fittedProbe{p}, err
}

// Validate reports the first setting that is wrong.
func (c LinearConfig) Validate() error {
	switch {
	case c.Epochs < 1 || c.BatchSize < 1:
		return fmt.Errorf("a probe of %d epochs, batch %d; want 1 or more", c.Epochs, c.BatchSize)
	case !(c.LR > 0) || !(c.FinalLR > 0) || math.IsInf(c.LR, 0):
		return fmt.Errorf("a probe's rates %g and %g; want positive numbers", c.LR, c.FinalLR)
	case !slices.Contains([]string{"exponential", "cosine", "step"}, c.Schedule):
		return suggest.Unknown("schedule of the probe", c.Schedule, []string{"exponential", "cosine", "step"})
	}
	return nil
}

// rate is the learning rate of an epoch.
func (c LinearConfig) rate(epoch int) float64 {
	done := float64(epoch) / float64(c.Epochs)
	switch c.Schedule {
	case "cosine":
		return c.LR * (1 + math.Cos(math.Pi*done)) / 2
	case "step":
		return c.LR * math.Pow(0.1, math.Floor(min(2, max(0, 5*done-2))))
	}
	return c.LR * math.Pow(c.FinalLR/c.LR, float64(epoch)/float64(max(1, c.Epochs-1)))
}

// DefaultLinear is the baseline's probe (htdt/self-supervised): Adam, 500 epochs, rate 1e-2 to 1e-6, L2 5e-6, batches
// of 1000.
func DefaultLinear() LinearConfig {
	return LinearConfig{
		Epochs:      500,
		BatchSize:   1000,
		Optimizer:   "adam",
		Schedule:    "exponential",
		LR:          1e-2,
		FinalLR:     1e-6,
		Momentum:    0.9,
		WeightDecay: 5e-6,
	}
}

// ImageNetLinear is the probe of the papers on ImageNet (He et al. 2020, MoCo, arXiv 1911.05722): SGD, 100 epochs, rate
// 30, a tenth of it from epoch 60 and a hundredth from epoch 80, batches of 256, no L2.
func ImageNetLinear() LinearConfig {
	return LinearConfig{
		Epochs:    100,
		BatchSize: 256,
		Optimizer: "sgd",
		Schedule:  "step",
		LR:        30,
		FinalLR:   1e-6,
		Momentum:  0.9,
	}
}

// Probe is a trained linear classifier.
type Probe struct{ weight, bias torch.Tensor }

// FitLinear trains a linear classifier on frozen features. It lives in s.
func FitLinear(ctx context.Context, s *torch.Scope, train Features, c LinearConfig) (Probe, error) {
	n, dim := s.Size(train.X, 0), s.Size(train.X, 1)
	if s.Err() != nil {
		return Probe{}, s.Err()
	}
	if err := c.Validate(); err != nil {
		return Probe{}, fmt.Errorf("eval: %w", err)
	}
	if train.Classes < 2 {
		return Probe{}, fmt.Errorf("eval: a probe of %d classes; want 2 or more", train.Classes)
	}
	net, o := nets.Linear(dim, int64(train.Classes)), s.Like(train.X)
	if err := torch.ManualSeed(c.Seed); err != nil {
		return Probe{}, err
	}
	p := nets.Initialize(s, net.Params(), o)
	opt, err := nets.NewOptimizer(
		s, nets.OptimizerConfig{Name: c.Optimizer, WeightDecay: c.WeightDecay, Momentum: c.Momentum}, net.Params(), p,
	)
	if err != nil {
		return Probe{}, err
	}
	defer torch.SetGrad(true)()
	labels := torch.FromSlice(s, train.Labels, o.Device, n)
	rng := rand.New(rand.NewPCG(c.Seed, 0x6c696e656172))
	order := make([]int64, n)
	for i := range order {
		order[i] = int64(i)
	}
	for epoch := range c.Epochs {
		if err := ctx.Err(); err != nil {
			return Probe{}, err
		}
		lr := c.rate(epoch)
		rng.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
		s.Within(func(u *torch.Scope) {
			rows := torch.FromSlice(u, order, o.Device, n)
			for from := int64(0); from < n; from += int64(c.BatchSize) {
				u.Within(func(t *torch.Scope) {
					index := t.Narrow(rows, 0, from, min(int64(c.BatchSize), n-from))
					leaves := t.Leaves(p)
					x, y := t.IndexSelect(train.X, 0, index), t.IndexSelect(labels, 0, index)
					loss := t.CrossEntropy(t.Linear(x, leaves[0], leaves[1]), y)
					opt.Step(t, p, t.Grad([]torch.Tensor{loss}, leaves, torch.GradOptions{}), lr)
				})
			}
		})
		if s.Err() != nil {
			return Probe{}, s.Err()
		}
	}
	return Probe{p[0], p[1]}, s.Err()
}

// Accuracy has shares of pictures, from 0 to 1.
type Accuracy struct {
	Top1 float64 `json:"top1"`
	Top5 float64 `json:"top5,omitempty"` // 0 if there are fewer than 6 classes
	// Classes is their number.
	Classes int `json:"classes,omitempty"`
}

// HasTop5 reports whether there is a top-5 accuracy. With five classes or fewer every answer is among the five
// likeliest.
func (a Accuracy) HasTop5() bool { return a.Classes > 5 }

// Score returns the probe's accuracy on features of the same network.
func (p Probe) Score(s *torch.Scope, test Features) (acc Accuracy, err error) {
	err = torch.With(func(t *torch.Scope) error {
		torch.NoGrad(func() {
			k := int64(min(5, test.Classes))
			_, index := t.TopK(t.Linear(test.X, p.weight, p.bias), k, 1, true)
			acc = count(torch.Slice[int64](t, index), test, int(k))
		})
		return t.Err()
	})
	return acc, err
}

type fittedProbe struct{ probe Probe }

// Score implements Fitted.
func (p fittedProbe) Score(_ context.Context, test Features) ([]float64, error) {
	s := torch.NewScope()
	acc, err := p.probe.Score(s, test)
	if err := errors.Join(err, s.Close()); err != nil {
		return nil, err
	}
	if !acc.HasTop5() {
		acc.Top5 = math.NaN()
	}
	return []float64{acc.Top1, acc.Top5, float64(acc.Classes)}, nil
}

// count scores rows of k guesses, the best first.
func count(guesses []int64, test Features, k int) (acc Accuracy) {
	if len(guesses) != k*len(test.Labels) {
		return acc
	}
	for i, l := range test.Labels {
		for j, g := range guesses[i*k : (i+1)*k] {
			if g == l {
				acc.Top5++
				if j == 0 {
					acc.Top1++
				}
			}
		}
	}
	n := float64(len(test.Labels))
	acc.Classes = test.Classes
	acc.Top1, acc.Top5 = acc.Top1/n, acc.Top5/n
	if !acc.HasTop5() {
		acc.Top5 = 0
	}
	return acc
}
