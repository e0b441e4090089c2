package datasets

import (
	"fmt"

	"github.com/icl-msr/icl-msr/transforms"
)

// confounded pastes objects over the pictures of a folder. With probability Correlation the
// background is of the class with the same number as the object's, otherwise of any class.
type confounded struct {
	o          Options
	garments   *fashionMNIST // nil: drawn figures
	figures    []figure
	background Dataset
	byClass    [][]int
	full       *cache
}

func openConfounded(o Options) (Dataset, error) {
	d := &confounded{o: o, figures: figures()}
	var err error
	if o.Foreground != "" && o.Foreground != "shapes" {
		if d.garments, err = readFashionMNIST(o.Foreground, o.Train); err != nil {
			return nil, err
		}
	}
	if d.background, err = openFolder(Options{Dir: o.Dir, Train: o.Train, Depth16: o.Depth16}); err != nil {
		return nil, fmt.Errorf("confounded: backgrounds: %w", err)
	}
	d.byClass = make([][]int, len(d.background.Classes()))
	for i := range d.background.Len() {
		l := d.background.Label(i)
		d.byClass[l] = append(d.byClass[l], i)
	}
	for l, pictures := range d.byClass {
		if len(pictures) == 0 {
			return nil, fmt.Errorf("confounded: no background of class %s in this split", d.background.Classes()[l])
		}
	}
	if d.garments != nil {
		d.o.Count = min(d.o.Count, d.garments.Len())
	}
	d.full = newCache(d.o.Count, func(i int) (transforms.Image, error) { return d.Variant(i, Full) })
	return d, nil
}

func (d *confounded) Name() string { return splitName("confounded", d.o.Train) }
func (d *confounded) Len() int     { return d.o.Count }
func (d *confounded) Classes() []string {
	if d.garments != nil {
		return d.garments.Classes()
	}
	return (&shapes{figures: d.figures}).Classes()
}

func (d *confounded) Label(i int) int {
	if d.garments != nil {
		return d.garments.Label(i)
	}
	return i % len(d.figures)
}

func (d *confounded) Image(i int) (transforms.Image, error) { return d.full.get(i) }
func (d *confounded) Box(i int) transforms.Box              { return d.object(i).box() }

func (d *confounded) Variant(i int, v Variant) (transforms.Image, error) {
	if v == ForegroundOnly {
		return d.object(i).over(gray(d.o.Size)), nil
	}
	rng, class := stream(d.o.Seed, d.o.Train, i, streamBackground), 0
	if v == NewBackground {
		rng = stream(d.o.Seed, d.o.Train, i, streamNewBackground)
		class = rng.IntN(len(d.byClass))
	} else {
		class = backgroundClass(d.Label(i)%len(d.byClass), len(d.byClass), d.o.Correlation, rng)
	}
	pictures := d.byClass[class]
	b, err := d.background.Image(pictures[rng.IntN(len(pictures))])
	if err != nil {
		return b, err
	}
	side := min(b.Width, b.Height)
	box := transforms.Box{Left: (b.Width - side) / 2, Top: (b.Height - side) / 2, Width: side, Height: side}
	return d.object(i).over(transforms.ResizedCrop(b, box, d.o.Size, d.o.Size, transforms.Bicubic)), nil
}

func (d *confounded) object(i int) cutout {
	rng := stream(d.o.Seed, d.o.Train, i, streamFigure)
	if d.garments == nil {
		return drawFigure(d.figures[d.Label(i)], d.o.Size, rng)
	}
	// The garment has a random tint. Dark cloth stays opaque.
	g := transforms.NewImage(garmentSide, garmentSide)
	for k, v := range d.garments.garment(i) {
		g.Pix[3*k], g.Pix[3*k+1], g.Pix[3*k+2] = v, v, v
	}
	size := d.o.Size
	g = transforms.ResizedCrop(
		g,
		transforms.Box{Width: garmentSide, Height: garmentSide},
		size,
		size,
		transforms.Bilinear,
	)
	c := cutout{transforms.NewImage(size, size), make([]float32, size*size)}
	tint := hsv(rng.Float64(), 0.6*rng.Float64(), 1)
	for k := range c.alpha {
		v := float64(g.Pix[3*k]) / 255
		c.alpha[k] = float32(min(1, v/0.15))
		v = 0.2 + 0.8*v
		put(c.image, k%size, k/size, [3]float64{v * tint[0], v * tint[1], v * tint[2]})
	}
	return c
}
