package datasets

import (
	"context"
	"iter"
	"math/rand/v2"
	"runtime"
	"sync"
	"time"

	"github.com/sugarme/gotch"

	"github.com/icl-msr/icl-msr/internal/field"
	"github.com/icl-msr/icl-msr/torch"
	"github.com/icl-msr/icl-msr/transforms"
)

// Augment turns a picture into 3*S*S numbers, channel by channel; S is its Side.
type Augment interface {
	Side() int
	Apply(dst []float32, src transforms.Part, rng *rand.Rand, b *transforms.Scratch) error
}

// Stager is an augmentation that a device can finish: of a batch the host does the
// beginning only (transforms.Pipeline).
type Stager interface {
	// OnDevice tells why it cannot, if it cannot.
	OnDevice() error
	// Stage does the beginning, and Device the rest.
	Stage(st *transforms.Staged, src transforms.Part, rng *rand.Rand, b *transforms.Scratch) error
	Device(s *torch.Scope, st *transforms.Staged, device gotch.Device) torch.Tensor
	// Choose and OfKept are these for pictures that the device has.
	Choose(st *transforms.Staged, width, height int, rng *rand.Rand)
	OfKept(s *torch.Scope, st *transforms.Staged, pictures torch.Tensor) torch.Tensor
}

// plainStager makes the un-augmented pictures of those that a device has (transforms.Plain).
type plainStager interface {
	OfKept(s *torch.Scope, pictures torch.Tensor) torch.Tensor
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
	// Scaled lets large JPEGs be decoded at 1/2, 1/4 or 1/8 of their size where no
	// view needs more pixels: faster, and the views differ by some grey levels.
	Scaled bool
	// Staged leaves views to the device (Batch.Staged, Batch.Make) where their augmentation
	// is a Stager that can.
	Staged bool
	// Kept are the data set's pictures on a device: views, and Plain, are left to it where
	// their augmentations can make them there. The host then reads no pictures, unless for
	// a view that is its own.
	Kept *Kept
	// Of a data-parallel job: this loader makes share Rank of Ranks of each batch,
	// the shares in the order of their pictures and of one length. Where a batch does
	// not divide, its last picture fills up. 0 or 1 Ranks: whole batches.
	Rank, Ranks int
	// Bad is told of a picture that cannot be read. Where it returns nil the next
	// one that can be read takes its place; nil: the first error ends the epoch. It
	// may be called from several goroutines.
	Bad func(picture int, err error) error
	// LeaveOut makes the batch shorter instead, so that no picture counts twice. It is for
	// evaluations, and for training in one process.
	LeaveOut bool
	// Least is the shortest batch that is yielded (0: 1): batch norms need two pictures.
	Least int
}

// UnevenBatchError is the error of a batch that does not divide by the processes of a job.
type UnevenBatchError struct{ BatchSize, Ranks int }

func (u *UnevenBatchError) Error() string { return u.Unwrap().Error() }

// Unwrap returns the error that names the field.
func (u *UnevenBatchError) Unwrap() error {
	share := u.BatchSize / u.Ranks
	return field.Errorf("{datasets.BatchSize} %d does not divide by the job's %d processes; use %d or %d",
		u.BatchSize, u.Ranks, max(1, share)*u.Ranks, (share+1)*u.Ranks)
}

// Batch holds N pictures, a rank's share of Total. Each view, and Plain, is
// [N, 3, S, S], row-major, with its augmentation's S. What the device is to make (Make) is none here, and what for is
// in Staged; of the other views Staged has nothing.
type Batch struct {
	N       int
	Total   int
	Indices []int
	Labels  []int64
	Views   [][]float32
	Staged  []transforms.Staged
	Plain   []float32

	loader *Loader
	rows   []int64
}

// Loader makes batches of views with several goroutines. The order of pictures
// depends on (seed, epoch) alone and a view on (seed, epoch, picture, view):
// not on the number of goroutines, nor on where an epoch is entered.
type Loader struct {
	ds     Dataset
	o      LoaderOptions
	staged []Stager    // of each view, or nil
	plain  plainStager // or nil
	reads  bool        // pictures, on the host
	waited time.Duration
	free   chan *Batch
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
		return nil, field.Errorf("{datasets.Rank} %d: want 0 to %d, one below {datasets.Ranks}", o.Rank, max(1, o.Ranks)-1)
	}
	if o.Ranks > 1 && o.DropLast && o.BatchSize%o.Ranks != 0 {
		return nil, &UnevenBatchError{o.BatchSize, o.Ranks}
	}
	if o.Workers < 1 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	if o.Prefetch < 1 {
		o.Prefetch = 2 * o.Workers
	}
	l := &Loader{ds: ds, o: o, staged: make([]Stager, len(o.Views)), free: make(chan *Batch, o.Prefetch+o.Workers+2)}
	for v, a := range o.Views {
		if st, ok := a.(Stager); ok && (o.Staged || o.Kept != nil) && st.OnDevice() == nil {
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

type task struct {
	indices []int
	total   int
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

// dispatch hands out the batches in order; pending bounds how far ahead.
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

// share is this rank's part of a batch.
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

// longest is the length of this rank's part of a whole batch.
func (l *Loader) longest() int {
	ranks := max(1, l.o.Ranks)
	return (l.o.BatchSize + ranks - 1) / ranks
}
