package datasets

import (
	"fmt"

	"github.com/icl-msr/icl-msr/transforms"
)

// Mask says where the foreground of a picture is: Pix[y*Width+x] goes from 0 (background) to 255 (foreground).
type Mask struct {
	Width, Height int
	Pix           []uint8
}

// NewMask returns a mask without foreground.
func NewMask(width, height int) Mask { return Mask{width, height, make([]uint8, width*height)} }

// Share is the part of the picture that the foreground covers, from 0 to 1.
func (m Mask) Share() float64 {
	sum := 0
	for _, v := range m.Pix {
		sum += int(v)
	}
	return float64(sum) / float64(255*max(1, len(m.Pix)))
}

// Masked is a data set that knows the foreground of its pictures.
type Masked interface {
	Dataset
	// Mask is the foreground of picture i, of the picture's size.
	Mask(i int) (Mask, error)
}

// MaskOf returns the known foreground of picture i of ds. It looks through views and subsets. It is an error if ds
// does not know the foreground.
func MaskOf(ds Dataset, i int) (Mask, error) {
	switch d := ds.(type) {
	case Masked:
		return d.Mask(i)
	case *subset:
		return MaskOf(d.Dataset, d.which[i])
	case variant:
		if _, crops := d.Foreground.(*coco); crops && d.v == ForegroundOnly {
			break
		}
		return MaskOf(d.Foreground, i)
	}
	return Mask{}, fmt.Errorf("%s does not know the foreground of its pictures", ds.Name())
}

// HasMasks reports whether MaskOf knows the foreground of ds's pictures.
func HasMasks(ds Dataset) bool {
	switch d := ds.(type) {
	case Masked:
		return true
	case *subset:
		return HasMasks(d.Dataset)
	case variant:
		_, crops := d.Foreground.(*coco)
		return !(crops && d.v == ForegroundOnly) && HasMasks(d.Foreground)
	}
	return false
}

// Mask implements Masked with the drawn object's coverage.
func (d *shapes) Mask(i int) (Mask, error) { return d.object(i).mask(), nil }

// Mask implements Masked with the pasted object's coverage.
func (d *confounded) Mask(i int) (Mask, error) { return d.object(i).mask(), nil }

// Mask implements Masked with the object's box.
func (d *coco) Mask(i int) (Mask, error) {
	m, err := d.Image(i)
	if err != nil {
		return Mask{}, err
	}
	box, err := within(d.boxes[i], m)
	if err != nil {
		return Mask{}, fmt.Errorf("%s: %w", d.paths[i], err)
	}
	return boxMask(box, m.Width, m.Height), nil
}

func (c cutout) mask() Mask {
	m := NewMask(c.image.Width, c.image.Height)
	for i, a := range c.alpha {
		m.Pix[i] = uint8(255*a + 0.5)
	}
	return m
}

func boxMask(b transforms.Box, width, height int) Mask {
	m := NewMask(width, height)
	for y := b.Top; y < b.Top+b.Height; y++ {
		for x := b.Left; x < b.Left+b.Width; x++ {
			m.Pix[y*width+x] = 255
		}
	}
	return m
}
