package datasets

import (
	"math"
	"math/rand/v2"

	"github.com/icl-msr/icl-msr/transforms"
)

// cutout is a foreground: its colours and how much of each pixel it covers (0 to 1).
type cutout struct {
	image transforms.Image
	alpha []float32
}

// over pastes the cutout on a background of the same size.
func (c cutout) over(background transforms.Image) transforms.Image {
	m := background.Clone()
	for i, a := range c.alpha {
		for k := 3 * i; k < 3*i+3; k++ {
			m.Pix[k] = uint8(float32(m.Pix[k]) + a*(float32(c.image.Pix[k])-float32(m.Pix[k])) + 0.5)
		}
	}
	return m
}

// box returns the bounding box of the pixels that are at least half covered, or the whole picture if
// there are none.
func (c cutout) box() transforms.Box {
	w, h := c.image.Width, c.image.Height
	left, top, right, bottom := w, h, -1, -1
	for i, a := range c.alpha {
		if a >= 0.5 {
			x, y := i%w, i/w
			left, right, top, bottom = min(left, x), max(right, x), min(top, y), max(bottom, y)
		}
	}
	if right < 0 {
		return transforms.Box{Width: w, Height: h}
	}
	return transforms.Box{Left: left, Top: top, Width: right - left + 1, Height: bottom - top + 1}
}

// gray returns the plain background of ForegroundOnly.
func gray(size int) transforms.Image {
	m := transforms.NewImage(size, size)
	for i := range m.Pix {
		m.Pix[i] = 128
	}
	return m
}

// Each picture has one random stream for each of its random choices. A stream depends on (seed, split,
// picture, choice) only.
const (
	streamFigure = iota
	streamBackground
	streamNewBackground
)

func stream(seed uint64, train bool, i, which int) *rand.Rand {
	key := uint64(i)<<8 | uint64(which)<<1
	if train {
		key |= 1
	}
	return rand.New(rand.NewPCG(seed, key))
}

// backgroundClass returns class with probability correlation, otherwise any of n classes.
func backgroundClass(class, n int, correlation float64, rng *rand.Rand) int {
	if rng.Float64() < correlation {
		return class
	}
	return rng.IntN(n)
}

// shapes is a data set of drawn pictures.
type shapes struct {
	o       Options
	figures []figure
	full    *cache
}

func openShapes(o Options) (Dataset, error) {
	d := &shapes{o: o, figures: figures()}
	d.full = newCache(o.Count, func(i int) (transforms.Image, error) { return d.Variant(i, Full) })
	return d, nil
}

func (d *shapes) Name() string    { return splitName("shapes", d.o.Train) }
func (d *shapes) Len() int        { return d.o.Count }
func (d *shapes) Label(i int) int { return i % len(d.figures) }
func (d *shapes) Classes() []string {
	names := make([]string, len(d.figures))
	for i, f := range d.figures {
		names[i] = f.name
	}
	return names
}

func (d *shapes) Image(i int) (transforms.Image, error) { return d.full.get(i) }
func (d *shapes) Box(i int) transforms.Box              { return d.object(i).box() }

func (d *shapes) Variant(i int, v Variant) (transforms.Image, error) {
	background := gray(d.o.Size)
	switch v {
	case Full:
		rng := stream(d.o.Seed, d.o.Train, i, streamBackground)
		b := newBackdrop(
			backgroundClass(d.Label(i)%backdropFamilies, backdropFamilies+plainFamilies, d.o.Correlation, rng),
			rng,
		)
		background = b.draw(d.o.Size)
	case NewBackground:
		rng := stream(d.o.Seed, d.o.Train, i, streamNewBackground)
		b := newBackdrop(rng.IntN(backdropFamilies), rng)
		background = b.draw(d.o.Size)
	}
	return d.object(i).over(background), nil
}

// object draws the foreground of picture i.
func (d *shapes) object(i int) cutout {
	return drawFigure(d.figures[d.Label(i)], d.o.Size, stream(d.o.Seed, d.o.Train, i, streamFigure))
}

// drawFigure draws a figure at a random place, size and angle, in a random pale colour with shading and
// a faint texture. Only its form depends on the class.
func drawFigure(f figure, size int, rng *rand.Rand) cutout {
	c := cutout{transforms.NewImage(size, size), make([]float32, size*size)}
	radius := (0.33 + 0.12*rng.Float64()) * float64(size)
	cx := float64(size)/2 + (rng.Float64()-0.5)*(float64(size)-1.8*radius)
	cy := float64(size)/2 + (rng.Float64()-0.5)*(float64(size)-1.8*radius)
	angle := (rng.Float64() - 0.5) * math.Pi / 3
	cos, sin := math.Cos(angle), math.Sin(angle)
	squeeze := 0.85 + 0.3*rng.Float64()
	colour := hsv(rng.Float64(), 0.3*rng.Float64(), 0.8+0.2*rng.Float64())
	light := rng.Float64() * 2 * math.Pi
	shade, texture, freq := 0.1+0.25*rng.Float64(), 0.12*rng.Float64(), 3+5*rng.Float64()
	for y := range size {
		for x := range size {
			dx, dy := (float64(x)+0.5-cx)/radius, (float64(y)+0.5-cy)/radius
			u, v := (dx*cos+dy*sin)*squeeze, -dx*sin+dy*cos
			cover := min(1, max(0, 0.5-f.distance(u, v)*radius))
			c.alpha[y*size+x] = float32(cover)
			if cover > 0 {
				k := 1 - shade*(0.5+0.5*(dx*math.Cos(light)+dy*math.Sin(light))) + texture*math.Sin(
					freq*u,
				)*math.Sin(
					freq*v,
				)
				put(c.image, x, y, [3]float64{colour[0] * k, colour[1] * k, colour[2] * k})
			}
		}
	}
	return c
}
