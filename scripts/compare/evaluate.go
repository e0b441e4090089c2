package main

import (
	"context"

	"github.com/icl-msr/icl-msr/eval"
	"github.com/icl-msr/icl-msr/torch"
)

// evaluate fits a linear probe for 5 epochs on BATCH rows of 512 features, or finds the 5 nearest of these rows for
// BATCH/10 others.
func (t task) evaluate(s *torch.Scope) error {
	rows := func(n int) eval.Features {
		f := eval.Features{X: s.Normal(0, 1, torch.Float32(), int64(n), 512), Classes: 100}
		for i := range n {
			f.Labels = append(f.Labels, int64(i%100))
		}
		return f
	}
	known, asked := rows(t.batch), rows(t.batch/10)
	if s.Err() != nil {
		return s.Err()
	}
	c := eval.DefaultLinear()
	c.Epochs = 5
	return each(func() error {
		if t.mode == "knn" {
			_, err := eval.KNN(asked, known, eval.DefaultKNN())
			return err
		}
		return torch.With(func(u *torch.Scope) error {
			_, err := eval.FitLinear(context.Background(), u, known, c)
			return err
		})
	})
}
