package datasets

import (
	"math"
	"math/rand/v2"

	"github.com/icl-msr/icl-msr/transforms"
)

// backdrop is a drawn background. Its family sets the pattern and the hue.
type backdrop struct {
	pattern    int
	dark, lite [3]float64 // the two colours of the pattern
	fx, fy     float64    // frequency
	phase      float64
	blobs      [4][3]float64 // centre and radius
}

// There is one family of backgrounds for each class, and families of plain grey for no class. Without
// the latter, a network would first meet a plain background in ForegroundOnly.
const (
	backdropFamilies = 10
	plainFamilies    = 2
)

func newBackdrop(family int, rng *rand.Rand) backdrop {
	hue := (float64(family) + 0.3*(rng.Float64()-0.5)) / backdropFamilies
	angle := rng.Float64() * math.Pi
	freq := 1.5 + 2.5*rng.Float64()
	// Backgrounds of a family look alike, so that the background alone does not identify a picture.
	b := backdrop{
		pattern: family % 5,
		dark:    hsv(hue, 0.65, 0.42),
		lite:    hsv(hue, 0.5, 0.62),
		fx:      freq * math.Cos(angle), fy: freq * math.Sin(angle), phase: rng.Float64() * 2 * math.Pi,
	}
	if family >= backdropFamilies {
		b.dark = hsv(0, 0, 0.35+0.3*rng.Float64())
		b.lite = b.dark
	}
	for i := range b.blobs {
		b.blobs[i] = [3]float64{rng.Float64(), rng.Float64(), 0.1 + 0.2*rng.Float64()}
	}
	return b
}

// at returns the colour at (x, y) in [0, 1]².
func (b *backdrop) at(x, y float64) [3]float64 {
	t := 0.0
	switch b.pattern {
	case 0: // gradient
		t = 0.5 + 0.5*math.Sin(b.phase+0.6*(b.fx*x+b.fy*y))
	case 1: // stripes
		t = 0.5 + 0.5*math.Sin(b.phase+2*math.Pi*(b.fx*x+b.fy*y))
	case 2: // checks
		t = 0.5 + 0.5*math.Copysign(1, math.Sin(b.phase+7*b.fx*x-3*b.fy*y)*math.Sin(7*b.fx*y+3*b.fy*x))
	case 3: // blobs
		for _, c := range b.blobs {
			t = max(t, 1-math.Hypot(x-c[0], y-c[1])/(2*c[2]))
		}
	default: // rings
		t = 0.5 + 0.5*math.Sin(b.phase+6*(math.Abs(b.fx)+1)*math.Hypot(x-b.blobs[0][0], y-b.blobs[0][1]))
	}
	var out [3]float64
	for c := range out {
		out[c] = b.dark[c] + t*(b.lite[c]-b.dark[c])
	}
	return out
}

func (b *backdrop) draw(size int) transforms.Image {
	m := transforms.NewImage(size, size)
	for y := range size {
		for x := range size {
			c := b.at((float64(x)+0.5)/float64(size), (float64(y)+0.5)/float64(size))
			put(m, x, y, c)
		}
	}
	return m
}

func put(m transforms.Image, x, y int, c [3]float64) {
	p := m.Pix[3*(y*m.Width+x):]
	for i := range c {
		p[i] = uint8(255*min(1, max(0, c[i])) + 0.5)
	}
}

// hsv converts HSV to RGB in [0, 1]. h is in turns, s and v are in [0, 1].
func hsv(h, s, v float64) [3]float64 {
	var out [3]float64
	for c, shift := range [3]float64{0, 2. / 3, 1. / 3} {
		t := h + shift
		t -= math.Floor(t)
		out[c] = v * (1 - s*min(1, max(0, 2-math.Abs(6*t-3))))
	}
	return out
}
