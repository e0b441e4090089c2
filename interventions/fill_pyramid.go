package interventions

import "github.com/icl-msr/icl-msr/transforms"

// layer is one level of a pyramid: colours, and a confidence from 0 to 1 for each.
type layer struct {
	w, h   int
	colour [][3]float32
	weight []float32
}

// interpolate fills the unknown pixels of m smoothly from the known ones (Gortler et al. 1996). Known colours are
// averaged into ever smaller pictures. Then the gaps of each picture are filled from the next smaller one.
func interpolate(m transforms.Image, known []bool) {
	if full, _ := count(known); full {
		return
	}
	base := layer{m.Width, m.Height, make([][3]float32, len(known)), make([]float32, len(known))}
	for i, k := range known {
		if k {
			base.weight[i] = 1
			for c := range 3 {
				base.colour[i][c] = float32(m.Pix[3*i+c])
			}
		}
	}
	base.fill()
	for i, k := range known {
		if !k {
			for c := range 3 {
				m.Pix[3*i+c] = uint8(base.colour[i][c] + 0.5)
			}
		}
	}
}

// fill gives each pixel a colour.
func (l layer) fill() {
	if l.w == 1 && l.h == 1 {
		return
	}
	half := l.half()
	half.fill()
	for i, w := range l.weight {
		if w < 1 {
			below := half.at(i%l.w, i/l.w)
			for c := range 3 {
				l.colour[i][c] = w*l.colour[i][c] + (1-w)*below[c]
			}
		}
	}
}

// half is the layer at half the size. Each of its pixels is the mean of the known ones among four.
func (l layer) half() layer {
	w, h := (l.w+1)/2, (l.h+1)/2
	out := layer{w, h, make([][3]float32, w*h), make([]float32, w*h)}
	for i, weight := range l.weight {
		j := i / l.w / 2 * w
		j += i % l.w / 2
		out.weight[j] += weight
		for c := range 3 {
			out.colour[j][c] += weight * l.colour[i][c]
		}
	}
	for j, weight := range out.weight {
		if weight == 0 {
			continue
		}
		for c := range 3 {
			out.colour[j][c] /= weight
		}
		out.weight[j] = min(1, weight)
	}
	return out
}

// at is the colour at a pixel of the layer of twice the size, interpolated linearly between four pixels.
func (l layer) at(x, y int) (out [3]float32) {
	u, v := x/2, y/2
	u1, v1 := min(l.w-1, max(0, u+2*(x%2)-1)), min(l.h-1, max(0, v+2*(y%2)-1))
	for c := range 3 {
		near := 0.75*l.colour[v*l.w+u][c] + 0.25*l.colour[v*l.w+u1][c]
		far := 0.75*l.colour[v1*l.w+u][c] + 0.25*l.colour[v1*l.w+u1][c]
		out[c] = 0.75*near + 0.25*far
	}
	return out
}
