package datasets

import (
	"encoding/binary"
	"image"
	"image/color"

	"github.com/icl-msr/icl-msr/transforms"
)

// toRGB is PIL's convert("RGB"), except for samples of 16 bits (Depth16).
func toRGB(src image.Image, depth Depth16) transforms.Image {
	b := src.Bounds()
	m := transforms.NewImage(b.Dx(), b.Dy())
	switch s := src.(type) {
	case *image.YCbCr:
		fromYCbCr(m, s)
	case placed:
		return s.rgb()
	case *videoYCbCr:
		s.rgb(m)
	case *image.Gray:
		samples(m, s.Pix, s.Stride, 1, [3]int{})
	case *image.Gray16:
		samples16(m, s.Pix, s.Stride, 2, [3]int{}, depth)
	case *image.RGBA:
		samples(m, divided(s.Pix, 4), s.Stride, 4, [3]int{0, 1, 2})
	case *image.NRGBA:
		samples(m, s.Pix, s.Stride, 4, [3]int{0, 1, 2})
	case *image.RGBA64:
		samples16(m, divided(s.Pix, 8), s.Stride, 8, [3]int{0, 2, 4}, depth)
	case *image.NRGBA64:
		samples16(m, s.Pix, s.Stride, 8, [3]int{0, 2, 4}, depth)
	case *image.CMYK:
		fromCMYK(m, s)
	default: // a palette
		for i := range m.Width * m.Height {
			c := color.NRGBAModel.Convert(src.At(b.Min.X+i%m.Width, b.Min.Y+i/m.Width)).(color.NRGBA)
			m.Pix[3*i], m.Pix[3*i+1], m.Pix[3*i+2] = c.R, c.G, c.B
		}
	}
	return m
}

// samples fills m from rows of pixels. A pixel has step bytes, with red, green and blue (or their high
// bytes) at the offsets at.
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

// divided divides premultiplied colours by their alpha, in place. As in PIL it uses the high bytes and
// rounds down. step is the number of bytes of a pixel, 4 or 8. Opaque pixels stay as they are.
func divided(pix []uint8, step int) []uint8 {
	each := step / 4
	for at := 0; at+step <= len(pix); at += step {
		p := pix[at : at+step]
		a := int(p[3*each])
		if a == 255 {
			continue
		}
		for c := 0; c < 3*each; c += each {
			v := uint8(0)
			if a > 0 {
				v = uint8(min(255, int(p[c])*255/a))
			}
			p[c], p[c+each-1] = v, v
		}
	}
	return pix
}

// greatest16 returns the greatest sample of a picture with 16 bits, or 0 for other pictures.
func greatest16(src image.Image) (most int) {
	pix, step, colours := []uint8(nil), 2, 1
	switch s := src.(type) {
	case *image.Gray16:
		pix = s.Pix
	case *image.RGBA64:
		pix, step, colours = s.Pix, 8, 3
	case *image.NRGBA64:
		pix, step, colours = s.Pix, 8, 3
	}
	for at := 0; at+step <= len(pix); at += step {
		for c := range colours {
			most = max(most, int(binary.BigEndian.Uint16(pix[at+2*c:])))
		}
	}
	return most
}
