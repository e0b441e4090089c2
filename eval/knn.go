package eval

import (
	"fmt"

	"github.com/icl-msr/icl-msr/internal/libtorch"
)

// block bounds the table of distances: rows of the test part at a time.
const block = 1024

// Neighbours returns, for each row of test, the indices of the k nearest rows
// of train by Euclidean distance, nearest first: [len(test) * k].
func Neighbours(test, train Features, k int) ([]int64, error) {
	if k < 1 || k > len(train.Labels) {
		return nil, fmt.Errorf("eval: %d neighbours among %d pictures", k, len(train.Labels))
	}
	var out []int64
	n := int64(len(test.Labels))
	err := libtorch.With(func(s *Scope) error {
		squares := s.SumDim(s.Square(train.X), false, 1)
		transposed := s.T(train.X)
		for from := int64(0); from < n; from += block {
			err := libtorch.With(func(t *Scope) error {
				libtorch.NoGrad(func() {
					x := t.Narrow(test.X, 0, from, min(block, n-from))
					// |x-y|² without |x|², which does not change the order.
					d := t.Sub(squares, t.MulScalar(t.MatMul(x, transposed), 2))
					_, index := t.TopK(d, int64(k), 1, false)
					out = append(out, libtorch.Slice[int64](t, index)...)
				})
				return t.Err()
			})
			if err != nil {
				return err
			}
		}
		return s.Err()
	})
	return out, err
}

// KNN is the accuracy of the majority among the k nearest pictures of train,
// ties to the smaller label.
func KNN(test, train Features, k int) (float64, error) {
	index, err := Neighbours(test, train, k)
	if err != nil {
		return 0, err
	}
	right := 0
	votes := make([]int, train.Classes)
	for i, l := range test.Labels {
		clear(votes)
		for _, j := range index[i*k : (i+1)*k] {
			votes[train.Labels[j]]++
		}
		best := 0
		for c, v := range votes {
			if v > votes[best] {
				best = c
			}
		}
		if int64(best) == l {
			right++
		}
	}
	return float64(right) / float64(len(test.Labels)), nil
}
