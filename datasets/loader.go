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

// Augment turns a picture into a view: 3*S*S values, channel by channel, with S = Side().
type Augment interface {
	Side() int
	Apply(dst []float32, src transforms.Part, rng *rand.Rand, b *transforms.Scratch) error
}

// Stager is an augmentation that can run in two stages: the host draws the random parameters, and the
// device makes the views of a whole batch. transforms.Pipeline is one.
type Stager interface {
	// CheckDevice returns an error if the device cannot make these views.
	CheckDevice() error
	// Stage prepares a picture on the host. Finish makes the views on the device.
	Stage(st *transforms.Staged, src transforms.Part, rng *rand.Rand, b *transforms.Scratch) error
	Finish(s *torch.Scope, st *transforms.Staged, device gotch.Device) torch.Tensor
	// StageKept and FinishKept do the same for pictures that the device keeps.
	StageKept(st *transforms.Staged, width, height int, rng *rand.Rand)
	FinishKept(s *torch.Scope, st *transforms.Staged, pictures torch.Tensor) torch.Tensor
}

// plainStager makes un-augmented pictures from those that a device keeps. transforms.Plain is one.
type plainStager interface {
	FinishKept(s *torch.Scope, pictures torch.Tensor) torch.Tensor
}

// LoaderOptions configures a loader.
type LoaderOptions struct {
	BatchSize int
	Shuffle   bool
	DropLast  bool
	Seed      uint64
	Workers   int       // goroutines; 0: one for each core
	Prefetch  int       // batches made ahead; 0: two for each worker
	Views     []Augment // one augmentation for each view
	Plain     Augment   // makes the un-augmented picture; nil: not needed
	// Scaled decodes large JPEGs at 1/2, 1/4 or 1/8 of their size if no view needs more pixels. This is
	// faster, and views differ by a few grey levels.
	Scaled bool
	// Staged has the device make the views whose augmentation is a Stager that it can finish
	// (Batch.Staged, Batch.Finish).
	Staged bool
	// Kept has the pictures of the data set on a device. The device then makes all views, and Plain,
	// that it can. The host reads pictures only for views that it has to make itself.
	Kept *Kept
	// Rank and Ranks are for a data-parallel job. The loader makes share Rank of the Ranks shares of
	// each batch. Shares are in the order of the batch and have one length; if the batch does not
	// divide, its last picture fills up the last shares. Ranks 0 or 1 makes whole batches.
	Rank, Ranks int
	// Bad is called with a picture that cannot be read, also from several goroutines at once. If it
	// returns nil, the next picture that can be read takes its place. If Bad is nil, the first error
	// ends the epoch.
	Bad func(picture int, err error) error
	// LeaveOut makes the batch shorter if a picture cannot be read, so that no picture counts twice. It
	// is for evaluation, and for training in one process.
	LeaveOut bool
	// Least is the length of the shortest batch that is yielded (0: 1). Batch norms need two pictures.
	Least int
}

// UnevenBatchError is the error of a batch size that the number of processes does not divide.
type UnevenBatchError struct{ BatchSize, Ranks int }

func (u *UnevenBatchError) Error() string { return u.Unwrap().Error() }

// Unwrap returns the error that names the field.
func (u *UnevenBatchError) Unwrap() error {
	share := u.BatchSize / u.Ranks
	return field.Errorf("{datasets.BatchSize} %d does not divide by the job's %d processes; use %d or %d",
		u.BatchSize, u.Ranks, max(1, share)*u.Ranks, (share+1)*u.Ranks)
}

// Batch has N pictures. In a job this is a rank's share of a batch of Total pictures. S is the side of
// each augmentation.
type Batch struct {
	N       int
	Total   int
	Indices []int               // of the pictures in the data set
	Labels  []int64             // -1: no label
	Views   [][]float32         // each [N, 3, S, S] in row-major order; nil: Finish makes the view
	Staged  []transforms.Staged // input of Finish for the views that are nil; the others are empty
	Plain   []float32           // [N, 3, S, S]; nil: not needed, or Finish makes it

	loader *Loader
	rows   []int64
}

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
