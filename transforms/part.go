package transforms

import (
	"fmt"
	"math"
	"math/rand/v2"
)

// Part is what was decoded of a picture of Width x Height pixels: what lies in
// Box, each side shrunk Shrink times. The whole picture as it is (Whole) is one.
type Part struct {
	Image             // of Box, Box.Width/Shrink x Box.Height/Shrink pixels, rounded up
	Width, Height int // of the whole picture
	Box           Box // in pixels of the whole picture
	Shrink        int // 1, 2, 4 or 8
}

// Whole is m as the part that is all of it.
func Whole(m Image) Part {
	return Part{m, m.Width, m.Height, Box{Width: m.Width, Height: m.Height}, 1}
}

// Planner is an augmentation that can tell what it needs of a picture before it
// is decoded: with rng in the state that Apply will find, the box that it looks
// at, and the pixels on a side that it makes of that. Not ok is the whole
// picture in full.
type Planner interface {
	Plan(width, height int, rng *rand.Rand, b *Scratch) (box Box, side int, ok bool)
}

// Needs joins what several views need of a picture; the zero value needs
// nothing of it.
type Needs struct {
	Box    Box // all of theirs lie in it
	Shrink int // how often the picture may be halved: 1, 2, 4 or 8
}

// Add joins one view's box, of which it makes side x side pixels: a shrunk
// picture must keep as many in it.
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
		return fmt.Errorf("transforms: a part %+v of a picture of %dx%d pixels, where all of it is needed", p.Box, p.Width, p.Height)
	}
	return nil
}

// window is a rectangle of an image in its pixels, which it may cut.
type window struct{ left, top, width, height float64 }

func all(m Image) window { return window{0, 0, float64(m.Width), float64(m.Height)} }

// window is where box, of the whole picture, lies in the part.
func (p Part) window(box Box) window {
	k := 1 / float64(p.Shrink)
	w := window{k * float64(box.Left-p.Box.Left), k * float64(box.Top-p.Box.Top), k * float64(box.Width), k * float64(box.Height)}
	// The last column and row of a picture whose size Shrink does not divide are
	// cut; what was decoded ends there.
	w.width, w.height = math.Min(w.width, float64(p.Image.Width)-w.left), math.Min(w.height, float64(p.Image.Height)-w.top)
	return w
}
