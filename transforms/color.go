package transforms

import "math"

// luma is PIL's conversion to gray (ITU-R BT.601).
func luma(p []uint8) uint8 {
	return uint8((uint32(p[0])*19595 + uint32(p[1])*38470 + uint32(p[2])*7471 + 0x8000) >> 16)
}

// blend is PIL's Image.blend of two bytes: a + alpha*(b-a) in float32, truncated and clipped.
func blend(a, b uint8, alpha float32) uint8 {
	v := float32(a) + alpha*float32(int(b)-int(a))
	if v <= 0 {
		return 0
	}
	if v >= 255 {
		return 255
	}
	return uint8(v)
}

// lookup blends every byte with base. One table serves the whole picture.
func lookup(m Image, base uint8, factor float64) {
	var table [256]uint8
	for v := range table {
		table[v] = blend(base, uint8(v), float32(factor))
	}
	for i, v := range m.Pix {
		m.Pix[i] = table[v]
	}
}

// Brightness multiplies m by factor, in place.
func Brightness(m Image, factor float64) { lookup(m, 0, factor) }

// Contrast blends m with its mean gray, in place.
func Contrast(m Image, factor float64) {
	sum := 0
	for p := m.Pix; len(p) >= 3; p = p[3:] {
		sum += int(luma(p))
	}
	mean := float64(sum) / float64(m.Width*m.Height)
	lookup(m, uint8(mean+0.5), factor)
}

// Saturation blends m with its gray picture, in place.
func Saturation(m Image, factor float64) {
	alpha := float32(factor)
	for p := m.Pix; len(p) >= 3; p = p[3:] {
		l := luma(p)
		p[0], p[1], p[2] = blend(l, p[0], alpha), blend(l, p[1], alpha), blend(l, p[2], alpha)
	}
}

// Grayscale replaces each pixel by its gray, in place.
func Grayscale(m Image) {
	for p := m.Pix; len(p) >= 3; p = p[3:] {
		l := luma(p)
		p[0], p[1], p[2] = l, l, l
	}
}

// Solarize inverts the bytes at or above threshold, in place.
func Solarize(m Image, threshold uint8) {
	for i, v := range m.Pix {
		if v >= threshold {
			m.Pix[i] = 255 - v
		}
	}
}

// HorizontalFlip mirrors left and right, in place.
func HorizontalFlip(m Image) {
	for y := range m.Height {
		row := m.Pix[3*y*m.Width : 3*(y+1)*m.Width]
		for i, j := 0, len(row)-3; i < j; i, j = i+3, j-3 {
			row[i], row[j] = row[j], row[i]
			row[i+1], row[j+1] = row[j+1], row[i+1]
			row[i+2], row[j+2] = row[j+2], row[i+2]
		}
	}
}

// Hue turns the hue by factor times a full circle, in place. factor is in -0.5 to 0.5. As in torchvision
// on PIL, it converts to 8-bit HSV and back.
func Hue(m Image, factor float64) {
	shift := uint8(int(math.Trunc(factor * 255)))
	var sector [256]uint8
	var fraction [256]float32
	for h := range sector {
		x := float64(h) * 6 / 255
		i := math.Floor(x)
		sector[h], fraction[h] = uint8(int(i)%6), float32(x-i)
	}
	for p := m.Pix; len(p) >= 3; p = p[3:] {
		h, s, v := toHSV(p[0], p[1], p[2])
		if s == 0 {
			p[0], p[1], p[2] = v, v, v
			continue
		}
		h += shift
		f, fs := fraction[h], float32(s)/255
		fv := float32(v)
		a, b, c := roundByte(fv*(1-fs)), roundByte(fv*(1-fs*f)), roundByte(fv*(1-fs*(1-f)))
		switch sector[h] {
		case 0:
			p[0], p[1], p[2] = v, c, a
		case 1:
			p[0], p[1], p[2] = b, v, a
		case 2:
			p[0], p[1], p[2] = a, v, c
		case 3:
			p[0], p[1], p[2] = a, b, v
		case 4:
			p[0], p[1], p[2] = c, a, v
		default:
			p[0], p[1], p[2] = v, a, b
		}
	}
}

func roundByte(v float32) uint8 { return uint8(v + 0.5) }

// toHSV is PIL's conversion to HSV in bytes.
func toHSV(r, g, b uint8) (h, s, v uint8) {
	hi, lo := max(r, g, b), min(r, g, b)
	if hi == lo {
		return 0, 0, hi
	}
	span := float32(hi - lo)
	rc, gc, bc := float32(hi-r)/span, float32(hi-g)/span, float32(hi-b)/span
	var x float32
	switch hi {
	case r:
		x = bc - gc
	case g:
		x = 2 + rc - bc
	default:
		x = 4 + gc - rc
	}
	turn := float64(x)/6 + 1
	if turn >= 1 {
		turn-- // fmod by 1 of a number in [5/6, 2)
	}
	return uint8(turn * 255), uint8(float64(span/float32(hi)) * 255), hi
}
