package transforms

import (
	"math"
	"math/rand/v2"
)

// Params has the random parameters of one view.
type Params struct {
	Box       Box // the crop
	Jitter    bool
	Factors   Factors // if Jitter is true
	Gray      bool
	Flip      bool
	BlurSigma float64 // 0: no blur
	Rand      []randOp
	Solarize  bool
}

// Factors has the random parameters of torchvision's ColorJitter. A factor of 1 and a hue of 0 leave the
// picture as it is.
type Factors struct {
	Order                            [4]int // of brightness (0), contrast (1), saturation (2) and hue (3)
	Brightness, Contrast, Saturation float64
	Hue                              float64 // turn of the hue, -0.5 to 0.5
}

// randOp is one operation of RandAugment.
type randOp struct {
	kind        int // in randTable
	level, sign float64
}

// Sample draws the parameters of a view of a picture of width x height pixels into c. The numbers drawn
// do not depend on the picture's content.
func (p *Pipeline) Sample(width, height int, rng *rand.Rand, c *Params) {
	*c = Params{Rand: c.Rand[:0]}
	c.Jitter, c.Gray = rng.Float64() < p.JitterP, rng.Float64() < p.GrayP
	if c.Jitter && !p.CropFirst {
		c.Factors = p.Jitter.sample(rng)
	}
	c.Box = randomBox(width, height, p.Scale, p.Ratio, rng)
	if c.Jitter && p.CropFirst {
		c.Factors = p.Jitter.sample(rng)
	}
	c.Flip = rng.Float64() < p.FlipP
	if p.BlurP > 0 && rng.Float64() < p.BlurP {
		c.BlurSigma = p.BlurSigma[0] + (p.BlurSigma[1]-p.BlurSigma[0])*rng.Float64()
	}
	c.Rand = p.Rand.sample(rng, c.Rand)
	c.Solarize = p.SolarizeP > 0 && rng.Float64() < p.SolarizeP
}

// colours applies the jitter and the conversion to gray to m, in place.
func (c *Params) colours(m Image) {
	if c.Jitter {
		c.Factors.apply(m)
	}
	if c.Gray {
		Grayscale(m)
	}
}

// randomBox draws the box of torchvision's RandomResizedCrop. The share of the area is uniform in scale,
// the aspect ratio log-uniform in ratio. After ten boxes that do not fit, it takes the largest centred
// box with an allowed ratio.
func randomBox(width, height int, scale, ratio [2]float64, rng *rand.Rand) Box {
	area := float64(width * height)
	low, high := math.Log(ratio[0]), math.Log(ratio[1])
	for range 10 {
		target := area * (scale[0] + (scale[1]-scale[0])*rng.Float64())
		aspect := math.Exp(low + (high-low)*rng.Float64())
		w := int(math.RoundToEven(math.Sqrt(target * aspect)))
		h := int(math.RoundToEven(math.Sqrt(target / aspect)))
		if 0 < w && w <= width && 0 < h && h <= height {
			return Box{Top: rng.IntN(height - h + 1), Left: rng.IntN(width - w + 1), Width: w, Height: h}
		}
	}
	w, h := width, height
	switch in := float64(width) / float64(height); {
	case in < ratio[0]:
		h = min(height, int(math.RoundToEven(float64(w)/ratio[0])))
	case in > ratio[1]:
		w = min(width, int(math.RoundToEven(float64(h)*ratio[1])))
	}
	return Box{Top: (height - h) / 2, Left: (width - w) / 2, Width: w, Height: h}
}

// Jitter has the strengths of torchvision's ColorJitter. For a strength x, the factors of brightness,
// contrast and saturation are uniform in max(0, 1-x) to 1+x, and the turn of the hue in -x to x.
type Jitter struct{ Brightness, Contrast, Saturation, Hue float64 }

// sample draws an order and factors, as torchvision does. A strength of 0 gives a factor that changes
// nothing.
func (j Jitter) sample(rng *rand.Rand) Factors {
	f := Factors{Order: [4]int{0, 1, 2, 3}}
	rng.Shuffle(4, func(a, b int) { f.Order[a], f.Order[b] = f.Order[b], f.Order[a] })
	factor := func(x float64) float64 {
		low := max(0, 1-x)
		return low + (1+x-low)*rng.Float64()
	}
	f.Brightness, f.Contrast, f.Saturation = factor(j.Brightness), factor(j.Contrast), factor(j.Saturation)
	f.Hue = j.Hue * (2*rng.Float64() - 1)
	return f
}

// apply applies the jitter to m, in place.
func (f *Factors) apply(m Image) {
	for _, op := range f.Order {
		switch {
		case op == 0 && f.Brightness != 1:
			Brightness(m, f.Brightness)
		case op == 1 && f.Contrast != 1:
			Contrast(m, f.Contrast)
		case op == 2 && f.Saturation != 1:
			Saturation(m, f.Saturation)
		case op == 3 && f.Hue != 0:
			Hue(m, f.Hue)
		}
	}
}
