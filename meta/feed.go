package meta

import (
	"context"
	"iter"
	"time"
)

// Loader makes batches of any kind, as datasets.Loader does.
type Loader[B any] interface {
	// Steps is the number of batches of an epoch.
	Steps() int
	// Every yields every step-th batch of an epoch from batch `from`.
	Every(ctx context.Context, epoch uint64, from, step int) iter.Seq2[B, error]
	// Waited is the time that the consumer has waited for batches so far.
	Waited() time.Duration
}

// Feed is the source of a loader's batches, each as batch makes it. A pass over
// the data is an epoch of the loader.
func Feed[B any](l Loader[B], batch func(B) Batch) Source { return feed[B]{l, batch} }

type feed[B any] struct {
	Loader[B]
	batch func(B) Batch
}

// Pass implements Source.
func (f feed[B]) Pass(ctx context.Context, n uint64, from, step int) iter.Seq2[Batch, error] {
	return func(yield func(Batch, error) bool) {
		for b, err := range f.Every(ctx, n, from, step) {
			if err != nil {
				yield(Batch{}, err)
				return
			}
			if !yield(f.batch(b), nil) {
				return
			}
		}
	}
}
