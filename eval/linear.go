package eval

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/icl-msr/icl-msr/internal/libtorch"
	"github.com/icl-msr/icl-msr/nets"
)

// LinearConfig are the constants of the linear probe.
type LinearConfig struct {
	Epochs      int
	BatchSize   int
	LR, FinalLR float64 // exponential between
	WeightDecay float64
	Seed        uint64
}

// DefaultLinear is the baseline's probe (htdt/self-supervised): Adam, 500
// epochs, 1e-2 to 1e-6, L2 5e-6, batches of 1000.
func DefaultLinear() LinearConfig {
	return LinearConfig{Epochs: 500, BatchSize: 1000, LR: 1e-2, FinalLR: 1e-6, WeightDecay: 5e-6}
}

// Probe is a trained linear classifier.
type Probe struct{ weight, bias Tensor }

// FitLinear trains a linear classifier on frozen features, into s.
func FitLinear(ctx context.Context, s *Scope, train Features, c LinearConfig) (Probe, error) {
	n, dim := s.Size(train.X, 0), s.Size(train.X, 1)
	if s.Err() != nil {
		return Probe{}, s.Err()
	}
	if c.Epochs < 1 || c.BatchSize < 1 || train.Classes < 2 {
		return Probe{}, fmt.Errorf("eval: a probe of %d epochs, batch %d, %d classes", c.Epochs, c.BatchSize, train.Classes)
	}
	net, o := nets.Linear(dim, int64(train.Classes)), s.Like(train.X)
	if err := libtorch.ManualSeed(c.Seed); err != nil {
		return Probe{}, err
	}
	p := nets.Initialize(s, net.Params(), o)
	opt, err := nets.NewOptimizer(s, nets.OptimizerConfig{Name: "adam", WeightDecay: c.WeightDecay}, net.Params(), p)
	if err != nil {
		return Probe{}, err
	}
	defer libtorch.SetGrad(true)()
	labels := libtorch.FromSlice(s, train.Labels, o.Device, n)
	rng := rand.New(rand.NewPCG(c.Seed, 0x6c696e656172))
	order := make([]int64, n)
	for i := range order {
		order[i] = int64(i)
	}
	for epoch := range c.Epochs {
		if err := ctx.Err(); err != nil {
			return Probe{}, err
		}
		lr := c.LR * math.Pow(c.FinalLR/c.LR, float64(epoch)/float64(max(1, c.Epochs-1)))
		rng.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
		for from := int64(0); from < n; from += int64(c.BatchSize) {
			to := min(n, from+int64(c.BatchSize))
			err := libtorch.With(func(t *Scope) error {
				index := libtorch.FromSlice(t, order[from:to], o.Device, to-from)
				leaves := t.Leaves(p)
				x, y := t.IndexSelect(train.X, 0, index), t.IndexSelect(labels, 0, index)
				loss := t.CrossEntropy(t.Linear(x, leaves[0], leaves[1]), y)
				opt.Step(t, p, t.Grad([]Tensor{loss}, leaves, libtorch.GradOptions{}), lr)
				return t.Err()
			})
			if err != nil {
				return Probe{}, err
			}
		}
	}
	return Probe{p[0], p[1]}, s.Err()
}

// Accuracy are shares of pictures, 0 to 1.
type Accuracy struct {
	Top1 float64 `json:"top1"`
	Top5 float64 `json:"top5,omitempty"` // 0 where there are fewer than 6 classes
}

// Score returns the probe's accuracy.
func (p Probe) Score(s *Scope, test Features) (acc Accuracy, err error) {
	err = libtorch.With(func(t *Scope) error {
		libtorch.NoGrad(func() {
			k := int64(min(5, test.Classes))
			_, index := t.TopK(t.Linear(test.X, p.weight, p.bias), k, 1, true)
			acc = count(libtorch.Slice[int64](t, index), test, int(k))
		})
		return t.Err()
	})
	return acc, err
}

// count scores rows of k guesses, best first.
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
	acc.Top1, acc.Top5 = acc.Top1/n, acc.Top5/n
	if test.Classes < 6 {
		acc.Top5 = 0
	}
	return acc
}
