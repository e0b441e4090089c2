package datasets

import (
	"context"
	"fmt"
	"math/rand/v2"

	"github.com/icl-msr/icl-msr/transforms"
)

type worker struct {
	pcg     *rand.PCG
	rng     *rand.Rand
	scratch transforms.Scratch
	picture transforms.Image // what an intervention made, used again
}

// pixels is the number of values of a view.
func pixels(a Augment) int { return 3 * a.Side() * a.Side() }

// fill makes the batch of a task. When ctx is done it stops before the next picture.
func (l *Loader) fill(ctx context.Context, w *worker, j *task, epoch uint64) error {
	n := len(j.indices)
	b := l.take(n)
	b.Total, j.batch = j.total, b
	for _, i := range j.indices {
		if err := ctx.Err(); err != nil {
			return err
		}
		i, m, err := l.readable(i, w, epoch)
		if err != nil {
			return err
		}
		if i < 0 {
			continue
		}
		k := len(b.Indices)
		b.Indices, b.Labels = append(b.Indices, i), append(b.Labels, int64(l.ds.Label(i)))
		put := func(a Augment, m transforms.Part, dst []float32) {
			if size := pixels(a); err == nil {
				err = a.Apply(dst[k*size:(k+1)*size], m, w.rng, &w.scratch)
			}
		}
		for v, a := range l.o.Views {
			m, e := l.intervened(w, b, m, epoch, i, v)
			if err == nil {
				err = e
			}
			if l.seed(w, epoch, i, v); l.staged[v] == nil {
				put(a, m, b.Views[v])
			} else if err == nil && l.o.Kept != nil {
				l.staged[v].StageKept(&b.Staged[v], l.o.Kept.Width, l.o.Kept.Height, w.rng)
			} else if err == nil {
				err = l.staged[v].Stage(&b.Staged[v], m, w.rng, &w.scratch)
			}
		}
		if l.hostPlain() {
			put(l.o.Plain, m, b.Plain)
		}
		if err != nil {
			return fmt.Errorf("picture %d of %s: %w", i, l.ds.Name(), err)
		}
	}
	l.resize(b, len(b.Indices))
	return nil
}

// intervened returns picture i, decoded as m, as view v shows it. If the device keeps the pictures and finishes view v,
// only the donor is drawn.
func (l *Loader) intervened(
	w *worker, b *Batch, m transforms.Part, epoch uint64, i, v int,
) (transforms.Part, error) {
	switch {
	case l.o.Intervene == nil:
		return m, nil
	case l.o.Kept != nil && l.staged[v] != nil:
		b.donors[v] = append(b.donors[v], int64(l.o.InterveneKept.Choose(epoch, i, v)))
		return m, nil
	}
	shown, err := l.o.Intervene.Apply(m.Image, epoch, i, v, &w.picture)
	return transforms.Whole(shown), err
}

// resize sets the batch's number of pictures to n.
func (l *Loader) resize(b *Batch, n int) {
	b.N = n
	for v, a := range l.o.Views {
		if l.staged[v] == nil {
			b.Views[v] = b.Views[v][:n*pixels(a)]
		}
	}
	if l.hostPlain() {
		b.Plain = b.Plain[:n*pixels(l.o.Plain)]
	}
}

// seed sets a worker's generator to the stream of a view of a picture.
func (l *Loader) seed(w *worker, epoch uint64, picture, view int) {
	w.pcg.Seed(l.o.Seed^loaderSalt^epoch*0x9e3779b97f4a7c15, uint64(picture)<<8|uint64(view))
}

// need returns what the views of picture i need. An augmentation that is not a transforms.Planner
// needs all of it.
func (l *Loader) need(w *worker, epoch uint64, i int) Need {
	return func(width, height int) (n transforms.Needs) {
		all := transforms.Needs{Box: transforms.Box{Width: width, Height: height}, Shrink: 1}
		if l.o.Intervene != nil {
			return all
		}
		add := func(a Augment) bool {
			p, ok := a.(transforms.Planner)
			if !ok {
				return false
			}
			box, side, ok := p.Plan(width, height, w.rng, &w.scratch)
			n.Add(box, side)
			return ok
		}
		for v, a := range l.o.Views {
			if l.seed(w, epoch, i, v); !add(a) {
				return all
			}
		}
		if l.o.Plain != nil && !add(l.o.Plain) || n.Shrink == 0 {
			return all
		}
		if !l.o.Scaled {
			n.Shrink = 1
		}
		return n
	}
}

// readable returns picture i, or the next one that can be read. With LeaveOut it returns -1 if picture
// i cannot be read.
func (l *Loader) readable(i int, w *worker, epoch uint64) (int, transforms.Part, error) {
	var last error
	for range min(l.ds.Len(), 1000) {
		m, err := l.picture(i, w, epoch)
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
		if l.o.LeaveOut {
			return -1, m, nil
		}
		i = (i + 1) % l.ds.Len()
	}
	return i, transforms.Part{}, fmt.Errorf("no picture can be read: %w", last)
}

// picture reads what the host needs of picture i.
func (l *Loader) picture(i int, w *worker, epoch uint64) (transforms.Part, error) {
	if !l.reads {
		return transforms.Part{}, l.o.Kept.bad[i]
	}
	return readPart(l.ds, i, l.need(w, epoch, i))
}

// hostPlain reports whether the host makes the un-augmented picture.
func (l *Loader) hostPlain() bool { return l.o.Plain != nil && l.plain == nil }

// take returns a batch with room for n pictures. It reuses one that was given back.
func (l *Loader) take(n int) *Batch {
	var b *Batch
	select {
	case b = <-l.free:
	default:
		b = &Batch{
			loader: l,
			Views:  make([][]float32, len(l.o.Views)),
			Staged: make([]transforms.Staged, len(l.o.Views)),
			donors: make([][]int64, len(l.o.Views)),
		}
		for v, a := range l.o.Views {
			if l.staged[v] == nil {
				b.Views[v] = make([]float32, l.longest()*pixels(a))
			}
		}
		if l.hostPlain() {
			b.Plain = make([]float32, l.longest()*pixels(l.o.Plain))
		}
	}
	b.Indices, b.Labels = b.Indices[:0], b.Labels[:0]
	for v := range l.o.Views {
		b.Staged[v].Reset()
		b.donors[v] = b.donors[v][:0]
	}
	l.resize(b, n)
	return b
}

// loaderSalt separates the loader's random streams from those that draw pictures, which may have the
// same seed.
const loaderSalt = 0x6c6f616465720000
