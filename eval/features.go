// Package eval tells how good features are: a linear probe and nearest
// neighbours on frozen features, as the baseline
// (htdt/self-supervised) evaluates them.
package eval

import (
	"context"
	"fmt"
	"iter"

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
	X       Tensor // [N, dim] float32
	Labels  []int64
	Classes int
}

// Batch holds n pictures: [N, 3, S, S] row-major, and their labels.
type Batch struct {
	Pictures []float32
	Labels   []int64
	Size     int64
}

// Extract runs f over batches and keeps the rows in s.
func Extract(ctx context.Context, s *Scope, batches iter.Seq2[Batch, error], o libtorch.Options, classes int, f func(s *Scope, x Tensor) Tensor) (Features, error) {
	out := Features{Classes: classes}
	var parts []Tensor
	rows := libtorch.NewScope()
	defer rows.Close()
	for b, err := range batches {
		if err != nil {
			return out, err
		}
		err := libtorch.With(func(t *Scope) error {
			x := t.To(libtorch.FromSlice(t, b.Pictures, o.Device, int64(len(b.Labels)), 3, b.Size, b.Size), o)
			parts = append(parts, rows.Hold(t.To(f(t, x), libtorch.Options{DType: libtorch.Float32().DType, Device: o.Device})))
			return t.Err()
		})
		if err != nil {
			return out, err
		}
		out.Labels = append(out.Labels, b.Labels...)
	}
	if err := ctx.Err(); err != nil {
		return out, err
	}
	if len(parts) == 0 {
		return out, fmt.Errorf("eval: no pictures")
	}
	out.X = s.Hold(rows.Cat(0, parts...))
	return out, rows.Err()
}
