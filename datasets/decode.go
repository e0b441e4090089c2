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
// is dropped, EXIF orientation is not applied.
func decodeFile(path string) (transforms.Image, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return transforms.Image{}, err
	}
	m, err := decode(data)
	if err != nil {
		return transforms.Image{}, fmt.Errorf("%s (%d bytes): %w; replace or remove it", path, len(data), err)
	}
	return m, nil
}

func decode(data []byte) (transforms.Image, error) {
	cfg, _, err := image.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return transforms.Image{}, err
	}
	if cfg.Width < 1 || cfg.Height < 1 || cfg.Width > maxPixels/cfg.Height {
		return transforms.Image{}, fmt.Errorf("%dx%d pixels, more than %d in all", cfg.Width, cfg.Height, maxPixels)
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
	i := 0
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			p := m.Pix[i : i+3 : i+3]
			switch s := src.(type) {
			case *image.YCbCr:
				c := s.COffset(x, y)
				p[0], p[1], p[2] = color.YCbCrToRGB(s.Y[s.YOffset(x, y)], s.Cb[c], s.Cr[c])
			case *image.Gray:
				v := s.Pix[s.PixOffset(x, y)]
				p[0], p[1], p[2] = v, v, v
			case *image.RGBA: // opaque PNG
				copy(p, s.Pix[s.PixOffset(x, y):])
			default:
				c := color.NRGBAModel.Convert(src.At(x, y)).(color.NRGBA)
				p[0], p[1], p[2] = c.R, c.G, c.B
			}
			i += 3
		}
	}
	return m
}
