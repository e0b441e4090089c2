package eval

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/icl-msr/icl-msr/internal/field"
	"github.com/icl-msr/icl-msr/internal/suggest"
	"github.com/icl-msr/icl-msr/torch"
)

// KNNConfig says how neighbours are found and how they vote.
type KNNConfig struct {
	K int // neighbours that vote
	// Metric is euclidean or cosine. With euclidean the majority wins, and of equal numbers of votes the smaller label:
	// the paper's. With cosine votes have the weight exp(cos/Temperature).
	Metric      string
	Temperature float64 // of cosine; 0.07 in Wu et al. 2018 (arXiv 1805.01978)
}

// DefaultKNN is the paper's: 5 neighbours, Euclidean, majority.
func DefaultKNN() KNNConfig { return KNNConfig{K: 5, Metric: "euclidean", Temperature: 0.07} }

// Name implements Evaluator.
func (c *KNNConfig) Name() string { return "knn" }

// Bind implements Evaluator.
func (c *KNNConfig) Bind(f Flags) {
	f.IntVar(&c.K, "neighbours", c.K, "k of the nearest-neighbour classifier")
	f.StringVar(&c.Metric,
		"metric", c.Metric, "metric of the neighbours: euclidean (a majority vote) or cosine (weighted votes)")
	f.Float64Var(&c.Temperature, "knn-temperature", c.Temperature, "temperature of cosine's weights exp(cos/temperature)")
}

// Figures implements Evaluator.
func (c *KNNConfig) Figures() []Figure {
	return []Figure{{
		Title: fmt.Sprintf("%d-NN", c.K),
		Long:  fmt.Sprintf("%d nearest neighbours", c.K),
		Share: true,
	}}
}

// Check implements Checker.
func (c *KNNConfig) Check(train TrainingPart) error {
	if c.K > train.Pictures {
		return field.Errorf("%d neighbours are more than the %d pictures of %s; give fewer by {eval.K} of eval, or more "+
			"pictures", c.K, train.Pictures, train.Name)
	}
	return nil
}

// Fit implements Evaluator.
func (c *KNNConfig) Fit(_ context.Context, _ *torch.Scope, train Features) (Fitted, error) {
	if err := errors.Join(c.Validate(), c.Check(TrainingPart{"training", len(train.Labels)})); err != nil {
		return nil, err
	}
	return fittedKNN{*c, train}, nil
}

type fittedKNN struct {
	c     KNNConfig
	train Features
}

// Score implements Fitted.
func (k fittedKNN) Score(_ context.Context, test Features) ([]float64, error) {
	acc, err := KNN(test, k.train, k.c)
	return []float64{acc}, err
}

// Validate reports the first setting that is wrong.
func (c KNNConfig) Validate() error {
	switch {
	case c.K < 1:
		return fmt.Errorf("%d neighbours; want 1 or more", c.K)
	case c.Metric != "euclidean" && c.Metric != "cosine":
		return suggest.Unknown("metric", c.Metric, []string{"euclidean", "cosine"})
	case !(c.Temperature > 0):
		return fmt.Errorf("temperature %g of the votes; want a positive number", c.Temperature)
	}
	return nil
}

// Rows of the test and of the training part at a time. They bound the table of distances for data sets of any size.
const (
	testBlock  = 512
	trainBlock = 1 << 15
)

// Neighbours returns, for each row of test, the indices of the k nearest rows of train, nearest first, and how near
// they are: minus the squared Euclidean distance plus |test row|², or the cosine. Both results are [len(test) * k].
func Neighbours(test, train Features, c KNNConfig) (index []int64, near []float64, err error) {
	if err := c.Validate(); err != nil {
		return nil, nil, fmt.Errorf("eval: %w", err)
	}
	n, m := int64(len(test.Labels)), int64(len(train.Labels))
	if int64(c.K) > m {
		return nil, nil, fmt.Errorf("eval: %d neighbours among %d pictures", c.K, m)
	}
	defer torch.SetGrad(false)()
	for from := int64(0); from < n; from += testBlock {
		err := torch.With(func(s *torch.Scope) error {
			x := s.Narrow(test.X, 0, from, min(testBlock, n-from))
			if c.Metric == "cosine" {
				x = s.Normalize(x)
			}
			best, places := c.best(s, x, train.X, m)
			found := torch.Slice[float64](s, s.Figures(best, places)) // in one transfer
			near = append(near, found[:len(found)/2]...)
			for _, place := range found[len(found)/2:] {
				index = append(index, int64(place))
			}
			return s.Err()
		})
		if err != nil {
			return nil, nil, err
		}
	}
	return index, near, nil
}

// best returns the K largest nearnesses of rows x among train, and their places. It keeps the best from block to
// block.
func (c KNNConfig) best(s *torch.Scope, x, train torch.Tensor, m int64) (best, places torch.Tensor) {
	for at := int64(0); at < m; at += trainBlock {
		err := torch.With(func(t *torch.Scope) error {
			y := t.Narrow(train, 0, at, min(trainBlock, m-at))
			var near torch.Tensor
			if c.Metric == "cosine" {
				near = t.MatMul(x, t.T(t.Normalize(y)))
			} else {
				// -|x-y|² without -|x|², which is the same for all y.
				near = t.Sub(t.MulScalar(t.MatMul(x, t.T(y)), 2), t.SumDim(t.Square(y), false, 1))
			}
			values, index := t.TopK(near, min(int64(c.K), t.Size(y, 0)), 1, true)
			index = t.Add(index, t.Full(float64(at), t.Like(index)))
			if at > 0 {
				values, index = t.Cat(1, best, values), t.Cat(1, places, index)
				var chosen torch.Tensor
				values, chosen = t.TopK(values, min(int64(c.K), t.Size(values, 1)), 1, true)
				index = t.Gather(index, 1, chosen)
			}
			best, places = s.Hold(values), s.Hold(index)
			return t.Err()
		})
		if err != nil {
			s.Fail(err)
			return best, places
		}
	}
	return best, places
}

// KNN is the accuracy of the vote of the nearest pictures, a share from 0 to 1.
func KNN(test, train Features, c KNNConfig) (float64, error) {
	index, near, err := Neighbours(test, train, c)
	if err != nil {
		return 0, err
	}
	for i, l := range train.Labels {
		if l < 0 || l >= int64(train.Classes) {
			return 0, fmt.Errorf("eval: picture %d of the training part has label %d; want one from 0 to %d",
				i, l, train.Classes-1)
		}
	}
	right := 0
	votes := make([]float64, train.Classes)
	for i, l := range test.Labels {
		clear(votes)
		for j := i * c.K; j < (i+1)*c.K; j++ {
			weight := 1.0
			if c.Metric == "cosine" {
				weight = math.Exp((near[j] - 1) / c.Temperature)
			}
			votes[train.Labels[index[j]]] += weight
		}
		best := 0
		for k, v := range votes {
			if v > votes[best] {
				best = k
			}
		}
		if int64(best) == l {
			right++
		}
	}
	return float64(right) / float64(len(test.Labels)), nil
}
