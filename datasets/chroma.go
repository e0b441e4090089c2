package datasets

import (
	"image"
	"image/color"

	"github.com/icl-msr/icl-msr/transforms"
)

// fromYCbCr converts the planes of a JPEG to RGB. It interpolates halved chroma (4:2:0 and 4:2:2) with
// libjpeg's triangle filter, as PIL and torchvision do. image.YCbCr.At takes the nearest sample, which
// is off by dozens of grey levels at coloured edges.
func fromYCbCr(m transforms.Image, s *image.YCbCr) {
	w, h := m.Width, m.Height
	half := (w + 1) / 2
	vertical := s.SubsampleRatio == image.YCbCrSubsampleRatio420
	triangle := half > 2 && (vertical || s.SubsampleRatio == image.YCbCrSubsampleRatio422)
	cb, cr := make([]uint8, 2*half), make([]uint8, 2*half)
	sums := make([]int, half)
	out := m.Pix
	for y := range h {
		if triangle {
			upsampleRow(cb, sums, s.Cb, s.CStride, y, h, vertical)
			upsampleRow(cr, sums, s.Cr, s.CStride, y, h, vertical)
		}
		for x := range w {
			var b, r uint8
			if triangle {
				b, r = cb[x], cr[x]
			} else {
				c := s.COffset(x, y)
				b, r = s.Cb[c], s.Cr[c]
			}
			out[0], out[1], out[2] = color.YCbCrToRGB(s.Y[y*s.YStride+x], b, r)
			out = out[3:]
		}
	}
}

// upsampleRow writes row y (of h) of a chroma plane at twice its width. Each sample is 3/4 of the
// nearer neighbour and 1/4 of the farther one, along the row and, if vertical, along the column. The
// rounding alternates as in libjpeg. sums is a buffer of the plane's width.
func upsampleRow(dst []uint8, sums []int, plane []uint8, stride, y, h int, vertical bool) {
	n, shift, left, right := len(sums), 2, 1, 2
	if vertical {
		shift, left, right = 4, 8, 7
		near := y / 2
		far := min(max(near+2*(y%2)-1, 0), (h+1)/2-1)
		a, b := plane[near*stride:], plane[far*stride:]
		for x := range sums {
			sums[x] = 3*int(a[x]) + int(b[x])
		}
	} else {
		a := plane[y*stride:]
		for x := range sums {
			sums[x] = int(a[x])
		}
	}
	for x, c := range sums {
		before, after := sums[max(x-1, 0)], sums[min(x+1, n-1)]
		dst[2*x] = uint8((3*c + before + left) >> shift)
		dst[2*x+1] = uint8((3*c + after + right) >> shift)
	}
}
