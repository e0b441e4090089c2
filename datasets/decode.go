package datasets

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	_ "image/jpeg" // registers the format
	_ "image/png"  // registers the format
	"os"

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

func decode(data []byte) (transforms.Image, error) {
	if len(data) == 0 {
		return transforms.Image{}, fmt.Errorf("the file is empty")
	}
	cfg, _, err := image.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return transforms.Image{}, err
	}
	if cfg.Width < 1 || cfg.Height < 1 || cfg.Width > maxPixels/cfg.Height {
		return transforms.Image{}, fmt.Errorf("%dx%d pixels; want 1 to %d in all", cfg.Width, cfg.Height, maxPixels)
	}
	src, _, err := image.Decode(bytes.NewReader(data))
	if err != nil {
		return transforms.Image{}, err
	}
	return toRGB(src), nil
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
