package transforms

import "math"

// labNorm is the normalisation of L, a and b in CMC (arXiv 1906.05849).
func labNorm() Normalization {
	return Normalization{
		Mean: [3]float64{50, (98.233 - 86.183) / 2, (94.478 - 107.857) / 2},
		Std:  [3]float64{50, (86.183 + 98.233) / 2, (107.857 + 94.478) / 2},
		Lab:  true,
	}
}

// sRGBToLinear returns the inverse of sRGB's gamma for each byte.
func sRGBToLinear() (table [256]float32) {
	for v := range table {
		x := float64(v) / 255
		if x > 0.04045 {
			x = math.Pow((x+0.055)/1.055, 2.4)
		} else {
			x /= 12.92
		}
		table[v] = float32(x)
	}
	return table
}

// toLab converts linear sRGB under D65 to CIE L*a*b*, as skimage.color.rgb2lab. L is in 0 to 100, a and b
// are around 0.
func toLab(r, g, b float32) (l, a, bb float32) {
	x := labCurve((0.412453*r + 0.357580*g + 0.180423*b) / 0.95047)
	y := labCurve(0.212671*r + 0.715160*g + 0.072169*b)
	z := labCurve((0.019334*r + 0.119193*g + 0.950227*b) / 1.08883)
	return 116*y - 16, 500 * (x - y), 200 * (y - z)
}

func labCurve(t float32) float32 {
	if t > 0.008856 {
		return float32(math.Cbrt(float64(t)))
	}
	return 7.787*t + 16./116
}

// writeLab is Write in Lab.
func (n Normalization) writeLab(dst []float32, m Image) {
	linear := sRGBToLinear()
	size := m.Width * m.Height
	var mean, scale [3]float32
	for c := range 3 {
		mean[c], scale[c] = float32(n.Mean[c]), float32(1/n.Std[c])
	}
	for i := range size {
		q := m.Pix[3*i : 3*i+3 : 3*i+3]
		l, a, b := toLab(linear[q[0]], linear[q[1]], linear[q[2]])
		dst[i], dst[size+i], dst[2*size+i] = (l-mean[0])*scale[0], (a-mean[1])*scale[1], (b-mean[2])*scale[2]
	}
}
