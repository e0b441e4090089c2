package datasets

import (
	"context"
	"fmt"
	"iter"
	"math/rand/v2"
	"runtime"
	"sync"
	"time"

	"github.com/icl-msr/icl-msr/transforms"
)

// Augment turns a picture into 3*S*S numbers, channel by channel; S is its Side.
type Augment interface {
	Side() int
	Apply(dst []float32, src transforms.Image, rng *rand.Rand, b *transforms.Scratch) error
}

// LoaderOptions describe a loader.
type LoaderOptions struct {
	BatchSize int
	Shuffle   bool
	DropLast  bool
	Seed      uint64
	Workers   int       // goroutines; 0: one for each core
	Prefetch  int       // batches made ahead; 0: two for each worker
	Views     []Augment // one for each view
	Plain     Augment   // the un-augmented picture, or nil
	// Bad is told of a picture that cannot be read. Where it returns nil the next
	// one that can be read takes its place; nil: the first error ends the epoch. It
	// may be called from several goroutines.
	Bad func(picture int, err error) error
}

// Batch holds N pictures. Each view, and Plain, is [N, 3, S, S], row-major, with
// its augmentation's S.
type Batch struct {
	N       int
	Indices []int
	Labels  []int64
	Views   [][]float32
	Plain   []float32
}

// Loader makes batches of views with several goroutines. The order of pictures
// depends on (seed, epoch) alone and a view on (seed, epoch, picture, view):
// not on the number of goroutines, nor on where an epoch is entered.
type Loader struct {
	ds     Dataset
	o      LoaderOptions
	waited time.Duration
	free   chan *Batch
}

// NewLoader checks the options against the data.
func NewLoader(ds Dataset, o LoaderOptions) (*Loader, error) {
	if o.BatchSize < 1 {
		return nil, fmt.Errorf("--batch-size %d: want 1 or more", o.BatchSize)
	}
	if o.DropLast && o.BatchSize > ds.Len() {
		return nil, fmt.Errorf("--batch-size %d is larger than the %d pictures of %s; use %d or less", o.BatchSize, ds.Len(), ds.Name(), ds.Len())
	}
	if o.Workers < 1 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	if o.Prefetch < 1 {
		o.Prefetch = 2 * o.Workers
	}
	return &Loader{ds: ds, o: o, free: make(chan *Batch, o.Prefetch+o.Workers+2)}, nil
}

// Steps returns the number of batches of an epoch.
func (l *Loader) Steps() int {
	if l.o.DropLast {
		return l.ds.Len() / l.o.BatchSize
	}
	return (l.ds.Len() + l.o.BatchSize - 1) / l.o.BatchSize
}

// Waited returns how long the consumer has waited for batches in all.
func (l *Loader) Waited() time.Duration { return l.waited }

// order returns the pictures of an epoch in order.
func (l *Loader) order(epoch uint64) []int {
	if l.o.Shuffle {
		return rand.New(rand.NewPCG(l.o.Seed^loaderSalt, epoch)).Perm(l.ds.Len())
	}
	order := make([]int, l.ds.Len())
	for i := range order {
		order[i] = i
	}
	return order
}

type job struct {
	indices []int
	batch   *Batch
	err     error
	done    chan struct{}
}

// Epoch yields the batches of an epoch in order, from batch `from`. A batch is
// valid until the next one. The first error, of a picture or of ctx, ends it.
// Only one epoch of a loader may run at a time.
func (l *Loader) Epoch(ctx context.Context, epoch uint64, from int) iter.Seq2[*Batch, error] {
	return l.Every(ctx, epoch, from, 1)
}

// Every is Epoch of every step-th batch only; the others are not made.
func (l *Loader) Every(ctx context.Context, epoch uint64, from, step int) iter.Seq2[*Batch, error] {
	return func(yield func(*Batch, error) bool) {
		run, cancel := context.WithCancel(ctx)
		var wg sync.WaitGroup
		defer wg.Wait()
		defer cancel()
		work, pending := make(chan *job), make(chan *job, l.o.Prefetch)
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
			more := yield(j.batch, nil)
			l.free <- j.batch
			if !more {
				return
			}
		}
	}
}

// dispatch hands out the batches in order; pending bounds how far ahead.
func (l *Loader) dispatch(ctx context.Context, epoch uint64, from, step int, work, pending chan *job) {
	defer close(work)
	defer close(pending)
	order := l.order(epoch)
	for b := from; b < l.Steps(); b += step {
		j := &job{indices: order[b*l.o.BatchSize : min(len(order), (b+1)*l.o.BatchSize)], done: make(chan struct{})}
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

type worker struct {
	pcg     *rand.PCG
	rng     *rand.Rand
	scratch transforms.Scratch
}

// pixels is the length of what an augmentation makes of a picture.
func pixels(a Augment) int { return 3 * a.Side() * a.Side() }

// fill makes a batch; it stops between two pictures when ctx is done.
func (l *Loader) fill(ctx context.Context, w *worker, j *job, epoch uint64) error {
	n := len(j.indices)
	b := l.take(n)
	j.batch = b
	for k, i := range j.indices {
		if err := ctx.Err(); err != nil {
			return err
		}
		i, m, err := l.readable(i)
		if err != nil {
			return err
		}
		b.Indices, b.Labels = append(b.Indices, i), append(b.Labels, int64(l.ds.Label(i)))
		put := func(a Augment, dst []float32) {
			if size := pixels(a); err == nil {
				err = a.Apply(dst[k*size:(k+1)*size], m, w.rng, &w.scratch)
			}
		}
		for v, a := range l.o.Views {
			w.pcg.Seed(l.o.Seed^loaderSalt^epoch*0x9e3779b97f4a7c15, uint64(i)<<8|uint64(v))
			put(a, b.Views[v])
		}
		if l.o.Plain != nil {
			put(l.o.Plain, b.Plain)
		}
		if err != nil {
			return fmt.Errorf("picture %d of %s: %w", i, l.ds.Name(), err)
		}
	}
	return nil
}

// readable returns picture i, or the next one that can be read.
func (l *Loader) readable(i int) (int, transforms.Image, error) {
	var last error
	for range min(l.ds.Len(), 1000) {
		m, err := l.ds.Image(i)
		if err == nil {
			return i, m, nil
		}
		last = fmt.Errorf("picture %d of %s: %w", i, l.ds.Name(), err)
		if l.o.Bad == nil {
			return i, m, last
		}
		if err := l.o.Bad(i, last); err != nil {
			return i, m, err
		}
		i = (i + 1) % l.ds.Len()
	}
	return i, transforms.Image{}, fmt.Errorf("no picture can be read: %w", last)
}

// take returns a batch with room for n pictures, used before or new.
func (l *Loader) take(n int) *Batch {
	var b *Batch
	select {
	case b = <-l.free:
	default:
		b = &Batch{Views: make([][]float32, len(l.o.Views))}
		for v, a := range l.o.Views {
			b.Views[v] = make([]float32, l.o.BatchSize*pixels(a))
		}
		if l.o.Plain != nil {
			b.Plain = make([]float32, l.o.BatchSize*pixels(l.o.Plain))
		}
	}
	b.N, b.Indices, b.Labels = n, b.Indices[:0], b.Labels[:0]
	for v, a := range l.o.Views {
		b.Views[v] = b.Views[v][:n*pixels(a)]
	}
	if l.o.Plain != nil {
		b.Plain = b.Plain[:n*pixels(l.o.Plain)]
	}
	return b
}

// loaderSalt keeps the loader's random streams apart from those that draw
// pictures, whose seed may be the same number.
const loaderSalt = 0x6c6f616465720000
