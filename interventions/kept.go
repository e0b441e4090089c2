package interventions

import (
	"context"
	"fmt"
	"runtime"
	"sync"

	"github.com/sugarme/gotch"

	"github.com/icl-msr/icl-msr/torch"
	"github.com/icl-msr/icl-msr/transforms"
)

// Kept holds the masks and the filled backgrounds of all pictures of a Swap in a device's memory. The pictures
// themselves are there, too (datasets.Kept), so that the device swaps backgrounds.
type Kept struct {
	Masks       torch.Tensor // [N, 1, H, W] in bytes
	Backgrounds torch.Tensor // [N, 3, H, W] in bytes

	swap *Swap
}

// Keep cuts out all pictures, which must have one size, and copies masks and backgrounds to the device. workers is the
// number of goroutines; 0 means one for each core. The tensors live in s.
func (sw *Swap) Keep(ctx context.Context, s *torch.Scope, device gotch.Device, workers int) (*Kept, error) {
	first, err := sw.ds.Image(0)
	if err != nil {
		return nil, err
	}
	p := parts{sw: sw, w: first.Width, h: first.Height}
	n, plane := sw.ds.Len(), p.w*p.h
	p.masks, p.backgrounds = make([]uint8, n*plane), make([]uint8, 3*n*plane)
	if err := p.fill(ctx, n, workers); err != nil {
		return nil, err
	}
	shape := func(c int64) []int64 { return []int64{int64(n), c, int64(p.h), int64(p.w)} }
	k := &Kept{
		swap:        sw,
		Masks:       torch.Upload(s, p.masks, device, shape(1)...),
		Backgrounds: torch.Upload(s, p.backgrounds, device, shape(3)...),
	}
	return k, s.Err()
}

// parts holds the masks and backgrounds of all pictures, channel by channel.
type parts struct {
	sw                 *Swap
	w, h               int
	masks, backgrounds []uint8
}

func (p *parts) fill(ctx context.Context, n, workers int) error {
	if workers < 1 {
		workers = runtime.GOMAXPROCS(0)
	}
	errs := make([]error, workers)
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for i := w; i < n && errs[w] == nil; i += workers {
				if errs[w] = ctx.Err(); errs[w] == nil {
					errs[w] = p.one(i)
				}
			}
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// one writes picture i. If the picture must keep its background, its mask covers all of it. If the picture has no
// background, Apply would use another picture's, so one writes that.
func (p *parts) one(i int) error {
	plane := p.w * p.h
	mask := p.masks[i*plane : (i+1)*plane]
	c, err := p.sw.cut(i, nil)
	if err == nil && len(c.mask.Pix) != plane {
		return fmt.Errorf("interventions: pictures of %dx%d and of %dx%d pixels: only pictures of one size can be kept "+
			"on a device", p.w, p.h, c.mask.Width, c.mask.Height)
	}
	if err != nil {
		if _, unread := p.sw.ds.Image(i); unread == nil { // the mask is wrong; the loader reports unreadable pictures
			return err
		}
	}
	if err == nil && c.usable() {
		copy(mask, c.mask.Pix)
	} else {
		for k := range mask {
			mask[k] = 255
		}
	}
	background, err := p.sw.donor(i, -1)
	if err != nil {
		return err
	}
	planes(p.backgrounds[3*i*plane:3*(i+1)*plane], resized(background, p.w, p.h))
	return nil
}

// planes writes a picture channel by channel.
func planes(out []uint8, m transforms.Image) {
	n := m.Width * m.Height
	for i := range n {
		out[i], out[n+i], out[2*n+i] = m.Pix[3*i], m.Pix[3*i+1], m.Pix[3*i+2]
	}
}

// Choose implements datasets.KeptIntervention by Swap.Choose.
func (k *Kept) Choose(epoch uint64, i, v int) (donor int) { return k.swap.Choose(epoch, i, v) }

// Apply implements datasets.KeptIntervention. pictures is [n, 3, H, W] in bytes, and own holds their numbers in the
// data set. Apply puts them on the backgrounds of the donors that Choose drew. The result, [n, 3, H, W] in bytes,
// equals that of Swap.Apply.
func (k *Kept) Apply(s *torch.Scope, pictures torch.Tensor, own, donors []int64) torch.Tensor {
	if n := s.Size(pictures, 0); s.Err() == nil && (int(n) != len(own) || len(own) != len(donors)) {
		s.Fail(fmt.Errorf("interventions: %d pictures, %d numbers and %d donors", n, len(own), len(donors)))
	}
	if s.Err() != nil {
		return torch.Tensor{}
	}
	defer torch.SetGrad(false)()
	o := torch.Options{DType: gotch.Float, Device: s.Like(pictures).Device}
	row := func(x torch.Tensor, rows []int64) torch.Tensor {
		return s.To(s.IndexSelect(x, 0, torch.Upload(s, rows, o.Device, int64(len(rows)))), o)
	}
	x, a := s.To(pictures, o), row(k.Masks, own)
	from, to := row(k.Backgrounds, own), row(k.Backgrounds, donors)
	stays := make([]float32, len(own))
	for i := range own {
		if own[i] == donors[i] {
			stays[i] = 255
		}
	}
	a = s.Clamp(s.Add(a, torch.Upload(s, stays, o.Device, int64(len(own)), 1, 1, 1)), 0, 255)
	rest := s.AddScalar(s.Neg(a), 255)
	// Integer arithmetic as on the host: (255 x + (255-a) (to-from) + 127) / 255, rounded down.
	v := s.Add(s.MulScalar(x, 255), s.Mul(rest, s.Sub(to, from)))
	v = s.Clamp(s.Floor(s.Div(s.AddScalar(v, 127), s.Full(255, o, 1))), 0, 255)
	outside := s.Expand(s.Eq(a, s.ZerosLike(a)), s.Shape(x)...)
	return s.To(s.Where(outside, to, v), s.Like(pictures))
}
