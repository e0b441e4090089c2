package datasets

import (
	"context"
	"iter"
	"math/rand/v2"
	"runtime"
	"sync"
	"time"

	"github.com/icl-msr/icl-msr/internal/field"
)

// Loader makes batches of views with several goroutines. The order of pictures depends on (seed, epoch)
// and a view on (seed, epoch, picture, view). Neither depends on the number of goroutines, nor on the
// batch that an epoch begins with.
type Loader struct {
	ds     Dataset
	o      LoaderOptions
	staged []Stager      // for each view; nil: the host makes the view
	plain  plainStager   // nil: the host makes Plain
	reads  bool          // whether the host reads pictures
	waited time.Duration // for batches
	free   chan *Batch   // to be used again
}

// NewLoader checks the options against the data.
func NewLoader(ds Dataset, o LoaderOptions) (*Loader, error) {
	if o.BatchSize < 1 {
		return nil, field.Errorf("{datasets.BatchSize} %d: want 1 or more", o.BatchSize)
	}
	if o.DropLast && o.BatchSize > ds.Len() {
		return nil, field.Errorf("{datasets.BatchSize} %d is larger than the %d pictures of %s; use %d or less",
			o.BatchSize, ds.Len(), ds.Name(), ds.Len())
	}
	if o.Rank < 0 || o.Rank >= max(1, o.Ranks) {
		return nil, field.Errorf(
			"{datasets.Rank} %d: want 0 to %d, one below {datasets.Ranks}",
			o.Rank,
			max(1, o.Ranks)-1,
		)
	}
	if o.Ranks > 1 && o.DropLast && o.BatchSize%o.Ranks != 0 {
		return nil, &UnevenBatchError{o.BatchSize, o.Ranks}
	}
	if err := o.checkIntervention(); err != nil {
		return nil, err
	}
	if o.Workers < 1 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	if o.Prefetch < 1 {
		o.Prefetch = 2 * o.Workers
	}
	l := &Loader{ds: ds, o: o, staged: make([]Stager, len(o.Views)), free: make(chan *Batch, o.Prefetch+o.Workers+2)}
	for v, a := range o.Views {
		if st, ok := a.(Stager); ok && (o.Staged || o.Kept != nil) && st.CheckDevice() == nil {
			l.staged[v] = st
		}
		l.reads = l.reads || o.Kept == nil || l.staged[v] == nil
	}
	if st, ok := o.Plain.(plainStager); ok && o.Kept != nil {
		l.plain = st
	}
	l.reads = l.reads || o.Plain != nil && l.plain == nil
	return l, nil
}

// Steps returns the number of batches of an epoch.
func (l *Loader) Steps() int {
	if l.o.DropLast {
		return l.ds.Len() / l.o.BatchSize
	}
	return (l.ds.Len() + l.o.BatchSize - 1) / l.o.BatchSize
}

// Waited returns how long the consumer has waited for batches, over all epochs.
func (l *Loader) Waited() time.Duration { return l.waited }

// order returns the pictures in the order of an epoch.
func (l *Loader) order(epoch uint64) []int {
	if l.o.Order != nil {
		return l.o.Order(epoch)
	}
	if l.o.Shuffle {
		return rand.New(rand.NewPCG(l.o.Seed^loaderSalt, epoch)).Perm(l.ds.Len())
	}
	order := make([]int, l.ds.Len())
	for i := range order {
		order[i] = i
	}
	return order
}

// task is a batch to be made.
type task struct {
	indices []int
	total   int
	batch   *Batch
	err     error
	done    chan struct{}
}

// Epoch yields the batches of an epoch in order, beginning with batch from. A batch is valid until the
// next one. The first error, of a picture or of ctx, ends the epoch. Only one epoch of a loader may run
// at a time.
func (l *Loader) Epoch(ctx context.Context, epoch uint64, from int) iter.Seq2[*Batch, error] {
	return l.Every(ctx, epoch, from, 1)
}

// Every is Epoch with every step-th batch only. The others are not made.
func (l *Loader) Every(ctx context.Context, epoch uint64, from, step int) iter.Seq2[*Batch, error] {
	return func(yield func(*Batch, error) bool) {
		run, cancel := context.WithCancel(ctx)
		var wg sync.WaitGroup
		defer wg.Wait()
		defer cancel()
		work, pending := make(chan *task), make(chan *task, l.o.Prefetch)
		wg.Go(func() { l.dispatch(run, epoch, from, step, work, pending) })
		for range l.o.Workers {
			wg.Go(func() {
				w := worker{pcg: rand.NewPCG(0, 0)}
				w.rng = rand.New(w.pcg)
				for j := range work {
					j.err = l.fill(run, &w, j, epoch)
					close(j.done)
				}
			})
		}
		for {
			start := time.Now()
			j, ok := <-pending
			if ok {
				<-j.done
			}
			l.waited += time.Since(start)
			if err := ctx.Err(); err != nil {
				yield(nil, err)
				return
			}
			if !ok {
				return
			}
			if j.err != nil {
				yield(nil, j.err)
				return
			}
			more := j.batch.N < max(1, l.o.Least) || yield(j.batch, nil)
			l.free <- j.batch
			if !more {
				return
			}
		}
	}
}

// dispatch hands out the batches in order. The capacity of pending bounds how many are made ahead.
func (l *Loader) dispatch(ctx context.Context, epoch uint64, from, step int, work, pending chan *task) {
	defer close(work)
	defer close(pending)
	order := l.order(epoch)
	for b := from; b < l.Steps(); b += step {
		whole := order[b*l.o.BatchSize : min(len(order), (b+1)*l.o.BatchSize)]
		j := &task{indices: l.share(whole), total: len(whole), done: make(chan struct{})}
		select {
		case pending <- j:
		case <-ctx.Done():
			return
		}
		select {
		case work <- j:
		case <-ctx.Done():
			j.err = ctx.Err()
			close(j.done)
			return
		}
	}
}

// share returns this rank's share of a batch.
func (l *Loader) share(whole []int) []int {
	if l.o.Ranks <= 1 {
		return whole
	}
	n := (len(whole) + l.o.Ranks - 1) / l.o.Ranks
	part := make([]int, n)
	for k := range part {
		part[k] = whole[min(l.o.Rank*n+k, len(whole)-1)]
	}
	return part
}

// longest is the length of this rank's share of a full batch.
func (l *Loader) longest() int {
	ranks := max(1, l.o.Ranks)
	return (l.o.BatchSize + ranks - 1) / ranks
}
