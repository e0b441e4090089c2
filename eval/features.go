// Package eval tells how good features are: a linear probe and nearest
// neighbours on frozen features, as the baseline
// (htdt/self-supervised) evaluates them.
package eval

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/sugarme/gotch"

	"github.com/icl-msr/icl-msr/internal/libtorch"
)

// Short names for what every signature here mentions.
type (
	// Tensor is a handle to a LibTorch tensor.
	Tensor = libtorch.Tensor
	// Scope owns tensors and keeps the first error.
	Scope = libtorch.Scope
)

// Features are rows of a backbone's features with their labels.
type Features struct {
	X       Tensor  // [N, dim] float32
	Labels  []int64 // of each row; -1 without one
	Classes int     // labels are below it
}

// Batch holds N pictures and their labels.
type Batch struct {
	Pictures []float32 // [N, 3, S, S] row-major, normalised
	Labels   []int64   // N of them
	Size     int64     // S
}

// Extract runs f, from pictures [N, 3, S, S] to features [N, dim], over batches of
// at most so many pictures in all and keeps the rows in s, which holds them once:
// of ImageNet's 1.2 million rows of 2048, 10 GB. o are dtype and device of what f
// is given.
func Extract(ctx context.Context, s *Scope, batches iter.Seq2[Batch, error], o libtorch.Options, pictures, classes int, f func(s *Scope, x Tensor) Tensor) (Features, error) {
	out := Features{Classes: classes, Labels: make([]int64, 0, pictures)}
	for b, err := range batches {
		if err != nil {
			return out, err
		}
		from, n := int64(len(out.Labels)), int64(len(b.Labels))
		if from+n > int64(pictures) {
			return out, fmt.Errorf("eval: more than the %d pictures that were announced", pictures)
		}
		err := libtorch.With(func(t *Scope) error {
			rows := f(t, t.To(libtorch.Upload(t, b.Pictures, o.Device, n, 3, b.Size, b.Size), o))
			if !out.X.Defined() {
				out.X = s.Zeros(libtorch.Options{DType: gotch.Float, Device: o.Device}, int64(pictures), t.Size(rows, 1))
			}
			t.Copy(t.Narrow(out.X, 0, from, n), rows)
			return errors.Join(t.Err(), s.Err())
		})
		if err != nil {
			return out, err
		}
		out.Labels = append(out.Labels, b.Labels...)
	}
	if err := ctx.Err(); err != nil {
		return out, err
	}
	if len(out.Labels) == 0 {
		return out, errors.New("eval: no pictures")
	}
	out.X = s.Narrow(out.X, 0, 0, int64(len(out.Labels)))
	return out, s.Err()
}
