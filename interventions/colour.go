package interventions

import "github.com/icl-msr/icl-msr/transforms"

// colour is a colour in opponent axes: lightness, red against green, yellow against blue. Lightness counts less,
// because shading changes it within one object.
type colour [3]float32

// opponent returns the opponent axes of a pixel, scaled so that squared Euclidean distances have the unit of squared
// grey levels.
func opponent(r, g, b uint8) colour {
	const light = 0.70710678 / 3 // half of the squared difference of the means
	x, y, z := float32(r), float32(g), float32(b)
	return colour{light * (x + y + z), x - y, 0.5*(x+y) - z}
}

func pixel(m transforms.Image, i int) colour {
	p := m.Pix[3*i : 3*i+3 : 3*i+3]
	return opponent(p[0], p[1], p[2])
}

func (c colour) distance2(d colour) float32 {
	x, y, z := c[0]-d[0], c[1]-d[1], c[2]-d[2]
	return x*x + y*y + z*z
}

// frame calls f with each pixel at most width pixels from the border.
func frame(m transforms.Image, width int, f func(i int)) {
	for y := range m.Height {
		row := y * m.Width
		if y < width || y >= m.Height-width {
			for x := range m.Width {
				f(row + x)
			}
			continue
		}
		for x := range min(width, m.Width) {
			f(row + x)
		}
		for x := max(width, m.Width-width); x < m.Width; x++ {
			f(row + x)
		}
	}
}
