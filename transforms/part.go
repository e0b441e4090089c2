package transforms

import (
	"fmt"
	"math"
	"math/rand/v2"
)

// Part is the decoded part of a picture: the pixels in Box, with each side shrunk by the factor Shrink.
type Part struct {
	Image             // Box.Width/Shrink x Box.Height/Shrink pixels, rounded up
	Width, Height int // of the whole picture
	Box           Box // in pixels of the whole picture
	Shrink        int // 1, 2, 4 or 8
}

// Whole returns the part that is all of m.
func Whole(m Image) Part {
	return Part{m, m.Width, m.Height, Box{Width: m.Width, Height: m.Height}, 1}
}

// Planner is an augmentation that knows what it needs of a picture before the picture is decoded.
type Planner interface {
	// Plan returns the box that Apply will read and the side of the view that it makes of it, in pixels.
	// rng is in the state in which Apply will get it. If ok is false, Apply needs the whole picture.
	Plan(width, height int, rng *rand.Rand, b *Scratch) (box Box, side int, ok bool)
}

// Needs is what several views need of a picture. The zero value is of no views.
type Needs struct {
	Box    Box // contains the boxes of all views
	Shrink int // factor by which the picture may be shrunk: 1, 2, 4 or 8
}

// Add adds the needs of a view that makes side x side pixels of box. The shrunk box must have at least as
// many pixels.
func (n *Needs) Add(box Box, side int) {
	shrink := 8
	for shrink > 1 && min(box.Width, box.Height) < shrink*side {
		shrink /= 2
	}
	if n.Shrink == 0 {
		*n = Needs{box, shrink}
		return
	}
	right, bottom := max(n.Box.Left+n.Box.Width, box.Left+box.Width), max(n.Box.Top+n.Box.Height, box.Top+box.Height)
	n.Box.Left, n.Box.Top = min(n.Box.Left, box.Left), min(n.Box.Top, box.Top)
	n.Box.Width, n.Box.Height = right-n.Box.Left, bottom-n.Box.Top
	n.Shrink = min(n.Shrink, shrink)
}

func (p Part) validate(complete bool) error {
	if err := p.Image.Validate(); err != nil {
		return fmt.Errorf("transforms: %w", err)
	}
	if complete && p.Box != (Box{Width: p.Width, Height: p.Height}) {
		return fmt.Errorf(
			"transforms: a part %+v of a picture of %dx%d pixels; want all of it",
			p.Box,
			p.Width,
			p.Height,
		)
	}
	return nil
}

// window is a rectangle of a picture in pixels. Its edges may lie within pixels.
type window struct{ left, top, width, height float64 }

func all(m Image) window { return window{0, 0, float64(m.Width), float64(m.Height)} }

// window converts a box of the whole picture to a rectangle of the part.
func (p Part) window(box Box) window {
	k := 1 / float64(p.Shrink)
	w := window{
		k * float64(box.Left-p.Box.Left),
		k * float64(box.Top-p.Box.Top),
		k * float64(box.Width),
		k * float64(box.Height),
	}
	// If Shrink does not divide the size of the picture, the window ends within the last column or row.
	// It must not exceed what was decoded.
	w.width, w.height = math.Min(
		w.width,
		float64(p.Image.Width)-w.left,
	), math.Min(
		w.height,
		float64(p.Image.Height)-w.top,
	)
	return w
}
