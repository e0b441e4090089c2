package transforms

import (
	"errors"
	"fmt"
	"math/rand/v2"

	"github.com/sugarme/gotch"

	"github.com/icl-msr/icl-msr/torch"
)

// Staged is what the host prepares for a batch of views that the device finishes.
type Staged struct {
	Height, Width int     // of all pictures
	Pix           []uint8 // [N, Height, Width, 3]; empty if the device keeps the pictures
	Params        []Params
}

// Reset empties st and keeps its memory.
func (st *Staged) Reset() { *st = Staged{Pix: st.Pix[:0], Params: st.Params[:0]} }

// next appends parameters to st, in memory that was used before if there is some.
func (st *Staged) next() *Params {
	n := len(st.Params)
	if cap(st.Params) > n {
		st.Params = st.Params[:n+1]
	} else {
		st.Params = append(st.Params, Params{})
	}
	return &st.Params[n]
}

// CheckDevice returns an error if a device cannot make p's views. RandAugment needs the host.
func (p *Pipeline) CheckDevice() error {
	if p.Rand.Operations > 0 {
		return errors.New("transforms: RandAugment works picture by picture, on the host")
	}
	return nil
}

// Stage adds a picture to st for Finish: whole, or only its crop if p crops first. In the latter case
// pictures may differ in size. It draws from rng what Apply draws, so that Finish makes Apply's view, up
// to rounding.
func (p *Pipeline) Stage(st *Staged, src Part, rng *rand.Rand, b *Scratch) error {
	if err := src.validate(!p.CropFirst); err != nil {
		return err
	}
	n, c := len(st.Params), st.next()
	p.Sample(src.Width, src.Height, rng, c)
	m := src.Image
	if p.CropFirst {
		m = b.image(&b.view, p.Size, p.Size)
		b.resize.resizedCrop(m, src.Image, src.window(c.Box), p.Filter)
	}
	if n > 0 && (m.Width != st.Width || m.Height != st.Height) {
		return fmt.Errorf(
			"transforms: pictures of %dx%d and of %dx%d pixels in one batch, which the device cannot crop together; "+
				"make the views on the host, or crop first, as the augmentation of imagenet does",
			st.Width,
			st.Height,
			m.Width,
			m.Height,
		)
	}
	st.Width, st.Height = m.Width, m.Height
	st.Pix = append(st.Pix, m.Pix...)
	return nil
}

// StageKept adds the parameters of a view to st for FinishKept. The device keeps the picture, which has
// width x height pixels. It draws from rng what Apply draws.
func (p *Pipeline) StageKept(st *Staged, width, height int, rng *rand.Rand) {
	p.Sample(width, height, rng, st.next())
}

// Finish makes the normalised views of st on the device: [N, 3, Size, Size] in float32. Each operation is
// that of single pictures, applied to all pictures at once. Pixels are whole numbers in between. Two
// copies go to the device: the pictures, and the numbers for them.
func (p *Pipeline) Finish(s *torch.Scope, st *Staged, device gotch.Device) torch.Tensor {
	if len(st.Params) == 0 {
		s.Fail(errors.New("transforms: no pictures to make views of"))
		return torch.Tensor{}
	}
	defer torch.SetGrad(false)()
	n, h, w := int64(len(st.Params)), int64(st.Height), int64(st.Width)
	x := torch.Upload(s, st.Pix, device, n, h, w, 3)
	x = s.Transpose(s.Transpose(x, 1, 3), 2, 3) // channels first
	return p.views(s, x, st.Params, device, !p.CropFirst)
}

// FinishKept is Finish for pictures [N, 3, H, W] in bytes that the device keeps, with what StageKept drew
// for them. One copy goes to the device. If p crops first, the crops are made here and not on the host as
// by Stage; both agree within a grey level.
func (p *Pipeline) FinishKept(s *torch.Scope, st *Staged, pictures torch.Tensor) torch.Tensor {
	if n := s.Size(pictures, 0); s.Err() == nil && (n == 0 || int(n) != len(st.Params)) {
		s.Fail(fmt.Errorf("transforms: parameters of %d views for %d pictures", len(st.Params), n))
	}
	if s.Err() != nil {
		return torch.Tensor{}
	}
	defer torch.SetGrad(false)()
	return p.views(s, pictures, st.Params, s.Like(pictures).Device, true)
}

// views makes views of pictures [N, 3, H, W] in bytes. crop says whether they are still to be cropped.
func (p *Pipeline) views(s *torch.Scope, x torch.Tensor, params []Params, device gotch.Device, crop bool) torch.Tensor {
	b := p.batched(s, params, device)
	x = s.Contiguous(s.To(x, b.float()))
	if crop && p.CropFirst {
		x = b.resizedCrops(x, p)
	}
	x = b.colours(x)
	if crop && !p.CropFirst {
		x = b.resizedCrops(x, p)
	}
	x = b.where(x, b.params.flip, func(y, _ torch.Tensor) torch.Tensor { return b.flip(y) })
	x = b.blurs(x)
	x = b.where(x, b.params.solarize, func(y, _ torch.Tensor) torch.Tensor { return b.solarize(y, 128) })
	return b.normalize(x, p.Norm)
}

// FinishKept makes the normalised un-augmented pictures from pictures [N, 3, H, W] in bytes that the device
// keeps: [N, 3, Size, Size] in float32. They equal those of Apply up to rounding.
func (p *Plain) FinishKept(s *torch.Scope, pictures torch.Tensor) torch.Tensor {
	defer torch.SetGrad(false)()
	b := newBatched(s, nil, s.Like(pictures).Device, func(q *batchParams) { q.constants(p.Norm) })
	x, shape := s.To(pictures, b.float()), s.Shape(pictures)
	if s.Err() != nil {
		return torch.Tensor{}
	}
	h, w := int(shape[2]), int(shape[3])
	if p.Resize > 0 {
		if h, w = p.resized(h, w); s.Err() == nil {
			x = b.resize(x, int64(h), int64(w))
		}
		top, left, side := p.middle(h, w)
		x = s.Narrow(s.Narrow(x, 2, int64(top), int64(side)), 3, int64(left), int64(side))
	}
	return b.normalize(b.resize(x, int64(p.Size), int64(p.Size)), p.Norm)
}
