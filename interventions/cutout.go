package interventions

import (
	"fmt"

	"github.com/icl-msr/icl-msr/datasets"
	"github.com/icl-msr/icl-msr/transforms"
)

// cutout is a picture in two parts: where its foreground is, and its background without it.
type cutout struct {
	mask       datasets.Mask
	background transforms.Image // no pixels if the foreground covers the picture
	share      float64          // of the picture that the foreground covers
}

// A foreground of a smaller or a larger share of the picture is not trusted: the view keeps its background.
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
	return c, nil // without a background it is no donor
}

func (c *cutout) usable() bool { return c.share >= leastShare && c.background.Pix != nil }

// onto is src, which c was cut from, on another background, in buffer.
func (c *cutout) onto(src, other transforms.Image, buffer *transforms.Image) transforms.Image {
	*buffer = transforms.Image{Width: src.Width, Height: src.Height, Pix: grow(buffer.Pix, len(src.Pix))}
	c.on(*buffer, src, resized(other, src.Width, src.Height))
	return *buffer
}

// on writes the foreground of src on another background to dst. By the equation of compositing, src is a F + (1-a) B
// with its own background B, so that a F + (1-a) B' is src + (1-a) (B' - B): edges do not keep the old background.
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

// blend is x + (1 - a/255) (to - from), rounded, within a byte.
func blend(x, from, to, a uint8) uint8 {
	v := 255*int(x) + (255-int(a))*(int(to)-int(from))
	return uint8(min(255, max(0, (v+127)/255)))
}
