package datasets

import (
	"context"
	"fmt"
	"runtime"
	"sync"

	"github.com/sugarme/gotch"

	"github.com/icl-msr/icl-msr/torch"
	"github.com/icl-msr/icl-msr/transforms"
)

// Kept has all pictures of a data set in a device's memory. They must have one size. The device makes
// views of them (LoaderOptions.Kept), and the host sends only the random parameters of each batch.
type Kept struct {
	Pictures      torch.Tensor // [N, 3, Height, Width] in bytes
	Width, Height int
	bad           map[int]error // errors of pictures that could not be read; these are black
}

// MixedSizeError is the error of a data set whose pictures differ in size.
type MixedSizeError struct {
	Name                  string // of the picture that differs
	Width, Height         int    // its size
	WantWidth, WantHeight int    // the size of the pictures before it
}

func (m *MixedSizeError) Error() string {
	return fmt.Sprintf("pictures of %dx%d and of %dx%d pixels (%s): only pictures of one size can be kept on a device",
		m.WantWidth, m.WantHeight, m.Width, m.Height, m.Name)
}

// sized is a data set that knows the common size of its pictures without reading them.
type sized interface{ size() (width, height int) }

// Size returns the common size of the pictures of ds in pixels if it is known without reading them,
// else 0, 0.
func Size(ds Dataset) (width, height int) {
	if d, ok := ds.(sized); ok {
		return d.size()
	}
	return 0, 0
}

func (d *files) size() (int, int)        { return d.side, d.side }
func (d *fashionMNIST) size() (int, int) { return 32, 32 }
func (d *stl10) size() (int, int)        { return stlSide, stlSide }
func (d *shapes) size() (int, int)       { return d.o.Size, d.o.Size }
func (d *confounded) size() (int, int)   { return d.o.Size, d.o.Size }
func (d *subset) size() (int, int)       { return Size(d.Dataset) }
func (d variant) size() (int, int)       { return Size(d.Foreground) }
func (d *memory) size() (width, height int) {
	if len(d.images) == 0 {
		return 0, 0
	}
	return d.images[0].Width, d.images[0].Height
}

// uploadBytes bounds one copy to the device.
const uploadBytes = 32 << 20

// Keep reads the pictures of ds with workers goroutines (0: one for each core) and copies them to the
// device. The pictures belong to s. If one cannot be read, a loader reports it when it comes to it.
func Keep(ctx context.Context, s *torch.Scope, ds Dataset, device gotch.Device, workers int) (*Kept, error) {
	k := &Kept{bad: map[int]error{}}
	for i := 0; i < ds.Len() && k.Width == 0; i++ {
		if m, err := ds.Image(i); err == nil {
			k.Width, k.Height = m.Width, m.Height
		}
	}
	if k.Width == 0 {
		return nil, fmt.Errorf("%s has no pictures that can be read", ds.Name())
	}
	size, n := 3*k.Width*k.Height, ds.Len()
	k.Pictures = s.Zeros(
		torch.Options{DType: gotch.Uint8, Device: device},
		int64(n),
		3,
		int64(k.Height),
		int64(k.Width),
	)
	data := make([]uint8, max(1, min(n, uploadBytes/size))*size)
	for from := 0; from < n && s.Err() == nil; {
		some := data[:min(n-from, len(data)/size)*size]
		if err := k.read(ctx, ds, from, some, workers); err != nil {
			return nil, err
		}
		count := int64(len(some) / size)
		s.Within(func(t *torch.Scope) {
			x := torch.Upload(t, some, device, count, 3, int64(k.Height), int64(k.Width))
			t.Copy(t.Narrow(k.Pictures, 0, int64(from), count), x)
		})
		from += int(count)
	}
	return k, s.Err()
}

// read reads pictures into out as planes, beginning with picture from.
func (k *Kept) read(ctx context.Context, ds Dataset, from int, out []uint8, workers int) (first error) {
	if workers < 1 {
		workers = runtime.GOMAXPROCS(0)
	}
	var wg sync.WaitGroup
	var lock sync.Mutex
	size := 3 * k.Width * k.Height
	for w := range workers {
		wg.Go(func() {
			for i := w; i < len(out)/size && ctx.Err() == nil; i += workers {
				m, err := ds.Image(from + i)
				lock.Lock()
				switch {
				case err != nil:
					k.bad[from+i] = err
					m = transforms.NewImage(k.Width, k.Height)
				case (m.Width != k.Width || m.Height != k.Height) && first == nil:
					first = &MixedSizeError{PictureName(ds, from+i), m.Width, m.Height, k.Width, k.Height}
				}
				stop := first != nil
				lock.Unlock()
				if stop {
					return
				}
				deinterleave(out[i*size:(i+1)*size], m)
			}
		})
	}
	wg.Wait()
	if err := ctx.Err(); err != nil {
		return err
	}
	return first
}

// deinterleave writes m as a red, a green and a blue plane.
func deinterleave(out []uint8, m transforms.Image) {
	n := m.Width * m.Height
	red, green, blue := out[:n], out[n:2*n], out[2*n:]
	for i := range red {
		red[i], green[i], blue[i] = m.Pix[3*i], m.Pix[3*i+1], m.Pix[3*i+2]
	}
}

// Finish builds on the device each view whose entry in Views is nil, and the un-augmented pictures if
// Plain is nil and they were asked for. views has one entry for each view; those that the host made
// are undefined tensors. Call Finish while the batch is valid.
func (b *Batch) Finish(s *torch.Scope, device gotch.Device) (views []torch.Tensor, plain torch.Tensor) {
	l := b.loader
	if l == nil { // no loader made this batch, so that nothing is left to the device
		return nil, torch.Tensor{}
	}
	views = make([]torch.Tensor, len(l.o.Views))
	var pictures torch.Tensor
	if l.o.Kept != nil {
		b.rows = b.rows[:0]
		for _, i := range b.Indices {
			b.rows = append(b.rows, int64(i))
		}
		pictures = s.IndexSelect(l.o.Kept.Pictures, 0, torch.Upload(s, b.rows, device, int64(len(b.rows))))
	}
	for v, st := range l.staged {
		switch {
		case st == nil:
		case l.o.Kept != nil:
			shown := pictures
			if l.o.Intervene != nil {
				shown = l.o.InterveneKept.Apply(s, pictures, b.rows, b.donors[v])
			}
			views[v] = st.FinishKept(s, &b.Staged[v], shown)
		default:
			views[v] = st.Finish(s, &b.Staged[v], device)
		}
	}
	if l.plain != nil {
		plain = l.plain.FinishKept(s, pictures)
	}
	return views, plain
}
