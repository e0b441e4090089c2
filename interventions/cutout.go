package interventions

import (
	"fmt"

	"github.com/icl-msr/icl-msr/datasets"
	"github.com/icl-msr/icl-msr/transforms"
)

// cutout holds the two parts of a picture: the mask of its foreground, and its background without the foreground.
type cutout struct {
	mask       datasets.Mask
	background transforms.Image // without pixels if the foreground covers the whole picture
	share      float64          // share of the picture that the foreground covers
}

// If the foreground's share of the picture is outside of these bounds, the mask is probably wrong, and the view keeps
// its background.
const (
	leastShare = 0.01
	mostShare  = 0.95
)

func newCutout(m transforms.Image, mask datasets.Mask) (*cutout, error) {
	if mask.Width != m.Width || mask.Height != m.Height {
		return nil, fmt.Errorf("interventions: a mask of %dx%d pixels for a picture of %dx%d", mask.Width, mask.Height,
			m.Width, m.Height)
	}
	c := &cutout{mask: mask, share: mask.Share()}
	if c.share > mostShare {
		return c, nil
	}
	background, err := Fill(m, mask)
	if err == nil {
		c.background = background
	}
	return c, nil // a picture without a background cannot be a donor
}

func (c *cutout) usable() bool { return c.share >= leastShare && c.background.Pix != nil }

// onto puts the foreground of src, the picture that c was cut from, on another background. The result is in buffer.
func (c *cutout) onto(src, other transforms.Image, buffer *transforms.Image) transforms.Image {
	*buffer = transforms.Image{Width: src.Width, Height: src.Height, Pix: grow(buffer.Pix, len(src.Pix))}
	c.on(*buffer, src, resized(other, src.Width, src.Height))
	return *buffer
}

// on writes the foreground of src on another background to dst. A picture with the foreground F, the background B and
// the mask a is src = a F + (1-a) B. With the background B' it is therefore src + (1-a) (B' - B). Edges computed so
// keep nothing of the old background.
func (c *cutout) on(dst, src, other transforms.Image) {
	own := c.background.Pix
	for i, a := range c.mask.Pix {
		k := 3 * i
		switch a {
		case 255:
			copy(dst.Pix[k:k+3], src.Pix[k:k+3])
		case 0:
			copy(dst.Pix[k:k+3], other.Pix[k:k+3])
		default:
			for ; k < 3*i+3; k++ {
				dst.Pix[k] = blend(src.Pix[k], own[k], other.Pix[k], a)
			}
		}
	}
}

// blend is x + (1 - a/255) (to - from), rounded and clamped to a byte.
func blend(x, from, to, a uint8) uint8 {
	v := 255*int(x) + (255-int(a))*(int(to)-int(from))
	return uint8(min(255, max(0, (v+127)/255)))
}
