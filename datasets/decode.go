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

// decodeFile reads a PNG or JPEG as PIL's open(...).convert("RGB") does: alpha
// is dropped, EXIF orientation is not applied, chroma is interpolated. 16-bit
// samples keep their high byte; here PIL differs for gray ones, which it
// saturates.
func decodeFile(path string) (transforms.Image, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return transforms.Image{}, err
	}
	return decodeNamed(data, path)
}

// decodeNamed is decode whose errors name the file.
func decodeNamed(data []byte, name string) (transforms.Image, error) {
	m, err := decode(data)
	if err != nil {
		return transforms.Image{}, fmt.Errorf("%s (%d bytes): %w; replace or remove it", name, len(data), err)
	}
	return m, nil
}

// Decode reads a PNG or JPEG as RGB.
func Decode(data []byte) (transforms.Image, error) { return decode(data) }

func decode(data []byte) (transforms.Image, error) {
	if len(data) == 0 {
		return transforms.Image{}, fmt.Errorf("the file is empty")
	}
	if bytes.HasPrefix(data, []byte("\xff\xd8")) && jpeg.Available() {
		if m, done, err := fastJPEG(data); done {
			return m, err
		}
	}
	cfg, _, err := image.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return transforms.Image{}, err
	}
	if err := checkSize(cfg.Width, cfg.Height); err != nil {
		return transforms.Image{}, err
	}
	src, _, err := image.Decode(bytes.NewReader(data))
	if err != nil {
		return transforms.Image{}, err
	}
	return toRGB(src), nil
}

// fastJPEG decodes by libjpeg-turbo what it decodes as PIL does; the others
// (CMYK) are not done.
func fastJPEG(data []byte) (m transforms.Image, done bool, err error) {
	h, err := jpeg.ReadHeader(data)
	if err != nil {
		return m, true, err
	}
	if err := checkSize(h.Width, h.Height); err != nil || h.Components > 3 {
		return m, err != nil, err
	}
	m = transforms.NewImage(h.Width, h.Height)
	if err := jpeg.Decode(data, h, m.Pix); err != nil {
		return transforms.Image{}, true, err
	}
	return m, true, nil
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
