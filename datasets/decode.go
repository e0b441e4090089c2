package datasets

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	_ "image/jpeg" // registers the format
	_ "image/png"  // registers the format
	"os"

	"github.com/icl-msr/icl-msr/internal/jpeg"
	"github.com/icl-msr/icl-msr/transforms"
)

// maxPixels bounds what a picture may unpack to.
const maxPixels = 100 << 20

// decodeFile is decode of a file, whose name errors tell.
func decodeFile(path string) (transforms.Image, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return transforms.Image{}, err
	}
	p, err := decodeNamed(data, path, nil)
	return p.Image, err
}

// decodeNamed is DecodePart whose errors name the file.
func decodeNamed(data []byte, name string, need Need) (transforms.Part, error) {
	p, err := DecodePart(data, need)
	if err != nil {
		return transforms.Part{}, fmt.Errorf("%s (%d bytes): %w; replace or remove it", name, len(data), err)
	}
	return p, nil
}

// Decode reads a PNG or JPEG as PIL's open(...).convert("RGB") does: alpha
// is dropped, EXIF orientation is not applied, chroma is interpolated. 16-bit
// samples keep their high byte; here PIL differs for gray ones, which it
// saturates.
func Decode(data []byte) (transforms.Image, error) {
	p, err := DecodePart(data, nil)
	return p.Image, err
}

// Need says what is needed of a picture of width x height pixels.
type Need func(width, height int) transforms.Needs

// DecodePart is Decode of what is needed, where the format allows: of a JPEG by
// libjpeg-turbo; otherwise, and without need, of the whole. A part of a JPEG that is not
// shrunk has the bytes that it has in the whole picture. A picture that ends
// early below what is needed passes.
func DecodePart(data []byte, need Need) (transforms.Part, error) {
	if len(data) == 0 {
		return transforms.Part{}, fmt.Errorf("the file is empty")
	}
	if bytes.HasPrefix(data, []byte("\xff\xd8")) && jpeg.Available() {
		if p, done, err := fastJPEG(data, need); done {
			return p, err
		}
	}
	cfg, _, err := image.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return transforms.Part{}, err
	}
	if err := checkSize(cfg.Width, cfg.Height); err != nil {
		return transforms.Part{}, err
	}
	src, _, err := image.Decode(bytes.NewReader(data))
	if err != nil {
		return transforms.Part{}, err
	}
	return transforms.Whole(toRGB(src)), nil
}

// fastJPEG decodes by libjpeg-turbo what it decodes as PIL does; the others
// (CMYK) are not done.
func fastJPEG(data []byte, need Need) (p transforms.Part, done bool, err error) {
	h, err := jpeg.ReadHeader(data)
	if err != nil {
		return p, true, err
	}
	if err := checkSize(h.Width, h.Height); err != nil || h.Components > 3 {
		return p, err != nil, err
	}
	n := transforms.Needs{Box: transforms.Box{Width: h.Width, Height: h.Height}, Shrink: 1}
	if need != nil {
		n = need(h.Width, h.Height)
	}
	p = transforms.Part{Width: h.Width, Height: h.Height, Box: n.Box, Shrink: n.Shrink}
	r := region(h, &p)
	p.Image = transforms.NewImage(r.Width, r.Height)
	if err := jpeg.Decode(data, h, r, p.Pix); err != nil {
		return transforms.Part{}, true, err
	}
	return p, true, nil
}

// region is where p's box lies in the shrunk picture; the box grows to whole
// pixels of that.
func region(h jpeg.Header, p *transforms.Part) jpeg.Region {
	all := h.Scaled(p.Shrink)
	if p.Box.Width == h.Width && p.Box.Height == h.Height {
		return all
	}
	left, top := p.Box.Left/p.Shrink, p.Box.Top/p.Shrink
	right, bottom := (p.Box.Left+p.Box.Width+p.Shrink-1)/p.Shrink, (p.Box.Top+p.Box.Height+p.Shrink-1)/p.Shrink
	r := jpeg.Region{Shrink: p.Shrink, Left: left, Top: top, Width: right - left, Height: bottom - top}
	p.Box = transforms.Box{Left: left * p.Shrink, Top: top * p.Shrink,
		Width: min(h.Width, right*p.Shrink) - left*p.Shrink, Height: min(h.Height, bottom*p.Shrink) - top*p.Shrink}
	return r
}

func checkSize(width, height int) error {
	if width < 1 || height < 1 || width > maxPixels/height {
		return fmt.Errorf("%dx%d pixels; want 1 to %d in all", width, height, maxPixels)
	}
	return nil
}

func toRGB(src image.Image) transforms.Image {
	b := src.Bounds()
	m := transforms.NewImage(b.Dx(), b.Dy())
	switch s := src.(type) {
	case *image.YCbCr:
		fromYCbCr(m, s)
	case *image.Gray:
		samples(m, s.Pix, s.Stride, 1, [3]int{})
	case *image.Gray16:
		samples(m, s.Pix, s.Stride, 2, [3]int{})
	case *image.RGBA: // from a PNG without alpha: opaque
		samples(m, s.Pix, s.Stride, 4, [3]int{0, 1, 2})
	case *image.NRGBA:
		samples(m, s.Pix, s.Stride, 4, [3]int{0, 1, 2})
	case *image.RGBA64:
		samples(m, s.Pix, s.Stride, 8, [3]int{0, 2, 4})
	case *image.NRGBA64:
		samples(m, s.Pix, s.Stride, 8, [3]int{0, 2, 4})
	default: // a palette, CMYK
		for i := range m.Width * m.Height {
			c := color.NRGBAModel.Convert(src.At(b.Min.X+i%m.Width, b.Min.Y+i/m.Width)).(color.NRGBA)
			m.Pix[3*i], m.Pix[3*i+1], m.Pix[3*i+2] = c.R, c.G, c.B
		}
	}
	return m
}

// samples fills m from rows of pixels of step bytes, whose red, green and blue
// (or high bytes of them) are at the offsets at.
func samples(m transforms.Image, pix []uint8, stride, step int, at [3]int) {
	out := m.Pix
	for y := range m.Height {
		row := pix[y*stride:]
		for x := range m.Width {
			p := row[x*step : (x+1)*step]
			out[0], out[1], out[2] = p[at[0]], p[at[1]], p[at[2]]
			out = out[3:]
		}
	}
}
