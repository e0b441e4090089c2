package transforms

import (
	"fmt"
	"math/rand/v2"

	"github.com/sugarme/gotch"

	"github.com/icl-msr/icl-msr/internal/libtorch"
)

// Staged holds what the host prepares of a batch of views for Device: N pictures
// of Height x Width pixels and what chance decided of each.
type Staged struct {
	Height, Width int
	Pix           []uint8 // N*Height*Width*3 bytes, as Image.Pix one after the other
	Choices       []Choice
}

// Reset empties st, keeping its memory.
func (st *Staged) Reset() { *st = Staged{Pix: st.Pix[:0], Choices: st.Choices[:0]} }

// OnDevice reports whether Device can make p's views; RandAugment is the host's.
func (p *Pipeline) OnDevice() error {
	if p.Rand.Operations > 0 {
		return fmt.Errorf("transforms: RandAugment works picture by picture, on the host")
	}
	return nil
}

// Stage adds a picture to st: as it is, or, where p crops first, its crop, so
// that the device does not see the pictures' sizes. It draws from rng what Apply
// draws: the view that Device makes is Apply's, within rounding.
func (p *Pipeline) Stage(st *Staged, src Part, rng *rand.Rand, b *Scratch) error {
	if err := src.validate(!p.CropFirst); err != nil {
		return err
	}
	n := len(st.Choices)
	if cap(st.Choices) > n {
		st.Choices = st.Choices[:n+1]
	} else {
		st.Choices = append(st.Choices, Choice{})
	}
	c := &st.Choices[n]
	p.Sample(src.Width, src.Height, rng, c)
	m := src.Image
	if p.CropFirst {
		m = b.image(&b.view, p.Size, p.Size)
		b.resize.crop(m, src.Image, src.window(c.Box), p.Filter)
	}
	if n > 0 && (m.Width != st.Width || m.Height != st.Height) {
		return fmt.Errorf("transforms: pictures of %dx%d and of %dx%d pixels in one batch, which the device cannot crop together; make the views on the host, or crop first (the augmentation of imagenet)",
			st.Width, st.Height, m.Width, m.Height)
	}
	st.Width, st.Height = m.Width, m.Height
	st.Pix = append(st.Pix, m.Pix...)
	return nil
}

// Device makes the views of st, normalised: [N, 3, Size, Size] in float32 on the
// device. Its operations are those of the pictures one by one, each on all
// pictures at once, with bytes as whole numbers in between.
func (p *Pipeline) Device(s *libtorch.Scope, st *Staged, device gotch.Device) libtorch.Tensor {
	defer libtorch.SetGrad(false)()
	n, h, w := int64(len(st.Choices)), int64(st.Height), int64(st.Width)
	if n == 0 {
		s.Fail(fmt.Errorf("transforms: no pictures to make views of"))
		return libtorch.Tensor{}
	}
	x := s.To(libtorch.FromSlice(s, st.Pix, device, n, h, w, 3), libtorch.Options{DType: gotch.Float, Device: device})
	b := batched{s, device, st.Choices}
	x = s.Contiguous(s.Transpose(s.Transpose(x, 1, 3), 2, 3)) // channels first
	if !p.CropFirst {
		x = b.colours(x)
		x = b.crops(x, h, w, p)
	} else {
		x = b.colours(x)
	}
	x = b.where(x, func(c *Choice) bool { return c.Flip }, func(_ []int, y libtorch.Tensor) libtorch.Tensor { return b.flip(y) })
	x = b.where(x, func(c *Choice) bool { return c.BlurSigma > 0 }, func(which []int, y libtorch.Tensor) libtorch.Tensor {
		return b.blur(y, which, p.BlurKernel)
	})
	x = b.where(x, func(c *Choice) bool { return c.Solarize }, func(_ []int, y libtorch.Tensor) libtorch.Tensor { return b.solarize(y, 128) })
	return b.normalize(x, p.Norm)
}
