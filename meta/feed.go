package meta

import (
	"context"
	"iter"
	"time"
)

// Loader makes batches of any type, as datasets.Loader does.
type Loader[B any] interface {
	// Steps is the number of batches of an epoch.
	Steps() int
	// Every yields every step-th batch of an epoch from batch `from`.
	Every(ctx context.Context, epoch uint64, from, step int) iter.Seq2[B, error]
	// Waited is the time that the consumer has waited for batches so far.
	Waited() time.Duration
}

// Feed is a Source of a loader's batches, each converted by convert. A phase is an epoch of the loader.
func Feed[B any](l Loader[B], convert func(B) HostBatch) Source { return feed[B]{l, convert} }

type feed[B any] struct {
	Loader[B]
	convert func(B) HostBatch
}

// Batches implements Source.
func (f feed[B]) Batches(ctx context.Context, phase uint64, from, step int) iter.Seq2[HostBatch, error] {
	return func(yield func(HostBatch, error) bool) {
		for b, err := range f.Every(ctx, phase, from, step) {
			if err != nil {
				yield(HostBatch{}, err)
				return
			}
			if !yield(f.convert(b), nil) {
				return
			}
		}
	}
}
