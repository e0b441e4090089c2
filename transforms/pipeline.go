package transforms

import (
	"fmt"
	"math"
	"math/rand/v2"
)

// Pipeline is the augmentation that makes one view of a picture.
type Pipeline struct {
	Size         int         // side of the view in pixels
	Scale, Ratio [2]float64  // ranges of RandomResizedCrop: share of the area, width over height
	Filter       Filter      // interpolation of the crop
	CropFirst    bool        // crop before the colours change (SimCLR) or after (htdt/self-supervised)
	Jitter       Jitter      // strengths of the colour jitter
	JitterP      float64     // probability of the colour jitter
	GrayP        float64     // probability of the conversion to gray
	FlipP        float64     // probability of the horizontal flip
	BlurP        float64     // probability of the Gaussian blur, after the flip
	BlurKernel   int         // side of the kernel in pixels, odd
	BlurSigma    [2]float64  // range of sigma, uniform
	Rand         RandAugment // after the blur
	SolarizeP    float64     // probability of solarization at 128, after RandAugment
	Norm         Normalization
}

// Normalization maps each channel of RGB bytes v to (v/255 - Mean)/Std, or each channel v of Lab to
// (v - Mean)/Std.
type Normalization struct {
	Mean, Std [3]float64
	Lab       bool // CIE L*a*b* with L in 0 to 100
}

// Validate returns an error that names the first wrong setting.
func (p *Pipeline) Validate() error {
	if p.Size < 1 || p.Size > 4096 {
		return fmt.Errorf("transforms: views of %d pixels; want 1 to 4096", p.Size)
	}
	for _, q := range []struct {
		name string
		p    float64
	}{{"jitter", p.JitterP}, {"gray", p.GrayP}, {"flip", p.FlipP}, {"blur", p.BlurP}, {"solarize", p.SolarizeP}} {
		if !(q.p >= 0 && q.p <= 1) {
			return fmt.Errorf("transforms: probability %g of %s; want 0 to 1", q.p, q.name)
		}
	}
	if !(0 < p.Scale[0] && p.Scale[0] <= p.Scale[1] && p.Scale[1] <= 1) {
		return fmt.Errorf("transforms: crop scale %g to %g; want 0 < low <= high <= 1", p.Scale[0], p.Scale[1])
	}
	if !(0 < p.Ratio[0] && p.Ratio[0] <= p.Ratio[1] && !math.IsInf(p.Ratio[1], 0)) {
		return fmt.Errorf("transforms: crop ratio %g to %g; want 0 < low <= high", p.Ratio[0], p.Ratio[1])
	}
	if j := p.Jitter; !(j.Brightness >= 0 && j.Contrast >= 0 && j.Saturation >= 0 && j.Hue >= 0 && j.Hue <= 0.5) {
		return fmt.Errorf("transforms: colour jitter %+v; want 0 or more, and hue at most 0.5", j)
	}
	if p.BlurP > 0 &&
		(p.BlurKernel < 1 || p.BlurKernel%2 == 0 || !(0 < p.BlurSigma[0] && p.BlurSigma[0] <= p.BlurSigma[1])) {
		return fmt.Errorf(
			"transforms: blur of %d pixels, sigma %g to %g; want an odd size and 0 < low <= high",
			p.BlurKernel,
			p.BlurSigma[0],
			p.BlurSigma[1],
		)
	}
	if err := p.Rand.validate(); err != nil {
		return err
	}
	return p.Norm.validate()
}

func (n Normalization) validate() error {
	for c := range 3 {
		if !(n.Std[c] > 0) || math.IsInf(n.Std[c], 0) || math.IsNaN(n.Mean[c]) {
			return fmt.Errorf("transforms: normalisation by mean %v and deviation %v", n.Mean, n.Std)
		}
	}
	return nil
}

// Scratch has the buffers of a pipeline. Each goroutine needs its own.
type Scratch struct {
	params Params
	resize resizer
	blur   blurrer
	rand   Image // a copy from before an operation of RandAugment
	colour Image // a picture with changed colours, before the crop
	view   Image
}

func (b *Scratch) image(m *Image, width, height int) Image {
	*m = Image{width, height, grow(m.Pix, width*height*3)}
	return *m
}

// Draw makes one random view before normalisation. The result is valid until b is used again.
func (p *Pipeline) Draw(src Part, rng *rand.Rand, b *Scratch) (Image, error) {
	if err := src.validate(!p.CropFirst); err != nil {
		return Image{}, err
	}
	p.Sample(src.Width, src.Height, rng, &b.params)
	return p.render(src, &b.params, b), nil
}

// render makes the view with the parameters c.
func (p *Pipeline) render(src Part, c *Params, b *Scratch) Image {
	picture := src.Image
	if !p.CropFirst && (c.Jitter || c.Gray) {
		picture = b.image(&b.colour, picture.Width, picture.Height)
		copy(picture.Pix, src.Pix)
		c.colours(picture)
	}
	view := b.image(&b.view, p.Size, p.Size)
	b.resize.resizedCrop(view, picture, src.window(c.Box), p.Filter)
	if p.CropFirst {
		c.colours(view)
	}
	if c.Flip {
		HorizontalFlip(view)
	}
	if c.BlurSigma > 0 {
		b.blur.blur(view, p.BlurKernel, c.BlurSigma)
	}
	for _, op := range c.Rand {
		randTable[op.kind](view, op.level, op.sign, b)
	}
	if c.Solarize {
		Solarize(view, 128)
	}
	return view
}

// Plan implements Planner. A pipeline that crops first needs only its box.
func (p *Pipeline) Plan(width, height int, rng *rand.Rand, b *Scratch) (box Box, side int, ok bool) {
	p.Sample(width, height, rng, &b.params)
	return b.params.Box, p.Size, p.CropFirst
}

// Side is the side of a view in pixels.
func (p *Pipeline) Side() int { return p.Size }

// Apply writes one random, normalised view into dst, [3, Size, Size].
func (p *Pipeline) Apply(dst []float32, src Part, rng *rand.Rand, b *Scratch) error {
	view, err := p.Draw(src, rng, b)
	if err != nil {
		return err
	}
	return p.Norm.Write(dst, view)
}

// Write writes m, normalised, into dst, [3, Height, Width].
func (n Normalization) Write(dst []float32, m Image) error {
	size := m.Width * m.Height
	if len(dst) != 3*size {
		return fmt.Errorf(
			"transforms: a view of %dx%d pixels into %d numbers; want %d",
			m.Width,
			m.Height,
			len(dst),
			3*size,
		)
	}
	if n.Lab {
		n.writeLab(dst, m)
		return nil
	}
	var table [3][256]float32
	for c := range 3 {
		for v := range 256 {
			// As in torchvision: to float32 in [0, 1], minus the mean, over the standard deviation.
			table[c][v] = (float32(v)/255 - float32(n.Mean[c])) / float32(n.Std[c])
		}
	}
	red, green, blue := dst[:size], dst[size:2*size], dst[2*size:]
	p := m.Pix
	for i := range red {
		q := p[3*i : 3*i+3 : 3*i+3]
		red[i], green[i], blue[i] = table[0][q[0]], table[1][q[1]], table[2][q[2]]
	}
	return nil
}

// Plain makes the un-augmented picture, for f_msr and for evaluation. If Resize is not 0, the shorter side
// becomes Resize pixels and the centre of at most Size x Size pixels is cropped. What is not Size x Size
// then is resized to it.
type Plain struct {
	Size, Resize int
	Norm         Normalization
}

// Side is the picture's side in pixels.
func (p *Plain) Side() int { return p.Size }

// Apply writes the normalised picture into dst, [3, Size, Size]. It draws nothing from the generator.
func (p *Plain) Apply(dst []float32, src Part, _ *rand.Rand, b *Scratch) error {
	m, err := p.Draw(src, nil, b)
	if err != nil {
		return err
	}
	return p.Norm.Write(dst, m)
}

// Draw returns the picture before normalisation. The result is valid until b is used again.
func (p *Plain) Draw(src Part, _ *rand.Rand, b *Scratch) (Image, error) {
	if err := src.validate(true); err != nil {
		return Image{}, err
	}
	picture, box := src.Image, all(src.Image)
	if p.Resize > 0 {
		h, w := p.resized(src.Height, src.Width)
		picture = b.image(&b.colour, w, h)
		b.resize.resizedCrop(picture, src.Image, box, Bicubic)
		top, left, side := p.middle(h, w)
		box = window{float64(left), float64(top), float64(side), float64(side)}
	}
	view := b.image(&b.view, p.Size, p.Size)
	b.resize.resizedCrop(view, picture, box, Bicubic)
	return view, nil
}

// resized returns the size before the centre crop.
func (p *Plain) resized(h, w int) (int, int) {
	short := min(h, w)
	return h * p.Resize / short, w * p.Resize / short
}

// middle returns the box of torchvision's CenterCrop.
func (p *Plain) middle(h, w int) (top, left, side int) {
	side = min(p.Size, w, h)
	middle := func(n int) int { return int(math.RoundToEven(float64(n-side) / 2)) }
	return middle(h), middle(w), side
}

// Plan implements Planner. It needs the whole picture at the resolution after resizing.
func (p *Plain) Plan(width, height int, _ *rand.Rand, _ *Scratch) (box Box, side int, ok bool) {
	return Box{Width: width, Height: height}, max(p.Size, p.Resize), true
}
