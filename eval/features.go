// Package eval tells how good features are. Its evaluators are a linear probe and nearest neighbours on frozen
// features, as in the baseline (htdt/self-supervised). It also fine-tunes a backbone with labels.
package eval

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/sugarme/gotch"

	"github.com/icl-msr/icl-msr/torch"
)

// Features are rows of a backbone's features with their labels.
type Features struct {
	X       torch.Tensor // [N, dim] float32
	Labels  []int64      // of each row; -1: no label
	Classes int          // their number; labels are below it
}

// Batch holds N pictures and their labels.
type Batch struct {
	Pictures []float32 // [N, 3, S, S] row-major, normalised
	Labels   []int64   // [N]
	Size     int64     // S
}

// NotFinite is the error of features that are infinite or NaN.
type NotFinite struct {
	Rows, Of int64
	First    string // the name of the first such picture; "" if it is unknown
}

func (e *NotFinite) Error() string {
	first := ""
	if e.First != "" {
		first = " (the first " + e.First + ")"
	}
	return fmt.Sprintf("features of %d of %d pictures are not finite%s: the network diverged, or its file is damaged; "+
		"take an earlier checkpoint, or train again at a lower rate", e.Rows, e.Of, first)
}

// Extract runs f, from pictures [N, 3, S, S] to features [N, dim], over batches with at most so many pictures in all.
// The rows are kept in s, once: ImageNet's 1.2 million rows of 2048 take 10 GB. o is the dtype and device of f's input.
// Rows that are not finite are an error, *NotFinite.
func Extract(
	ctx context.Context, s *torch.Scope, batches iter.Seq2[Batch, error], o torch.Options, pictures, classes int,
	f func(s *torch.Scope, x torch.Tensor) torch.Tensor,
) (Features, error) {
	out := Features{Classes: classes, Labels: make([]int64, 0, pictures)}
	finite := s.Zeros(torch.Options{DType: gotch.Double, Device: o.Device}, 1)
	for b, err := range batches {
		if err != nil {
			return out, err
		}
		from, n := int64(len(out.Labels)), int64(len(b.Labels))
		if from+n > int64(pictures) {
			return out, fmt.Errorf("eval: the batches have more than the %d pictures that were announced", pictures)
		}
		err := torch.With(func(t *torch.Scope) error {
			rows := f(t, t.To(torch.Upload(t, b.Pictures, o.Device, n, 3, b.Size, b.Size), o))
			if !out.X.Defined() {
				out.X = s.Zeros(torch.Options{DType: gotch.Float, Device: o.Device}, int64(pictures), t.Size(rows, 1))
			}
			t.Copy(t.Narrow(out.X, 0, from, n), rows)
			t.AddAll([]torch.Tensor{finite}, []torch.Tensor{t.Figures(finiteRows(t, rows))})
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
	n := int64(len(out.Labels))
	out.X = s.Narrow(out.X, 0, 0, n)
	if good := int64(s.Item(finite)); s.Err() == nil && good < n {
		return out, &NotFinite{Rows: n - good, Of: n}
	}
	return out, s.Err()
}

// finiteRows counts the rows whose entries are all finite. The count stays on the device.
func finiteRows(s *torch.Scope, rows torch.Tensor) torch.Tensor {
	zero := s.SumDim(s.MulScalar(rows, 0), false, 1) // NaN for other rows
	return s.Sum(s.Eq(zero, zero))
}
