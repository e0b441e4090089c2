package datasets

import (
	"image"
	"image/color"

	"github.com/icl-msr/icl-msr/transforms"
)

// Picture converts m to an image of the standard library.
func Picture(m transforms.Image) *image.RGBA {
	out := image.NewRGBA(image.Rect(0, 0, m.Width, m.Height))
	for i := range m.Width * m.Height {
		out.Set(i%m.Width, i/m.Width, color.RGBA{m.Pix[3*i], m.Pix[3*i+1], m.Pix[3*i+2], 255})
	}
	return out
}

// Grid lays pictures out in rows of square cells with a gap of 2 pixels. Each picture is resized, by
// nearest neighbour, until its longer side fills the cell. side is in pixels.
func Grid(rows [][]transforms.Image, side int) *image.RGBA {
	cols := 0
	for _, r := range rows {
		cols = max(cols, len(r))
	}
	const gap = 2
	out := image.NewRGBA(image.Rect(0, 0, cols*(side+gap)-gap, len(rows)*(side+gap)-gap))
	for i := range out.Pix {
		out.Pix[i] = 255
	}
	for y, r := range rows {
		for x, m := range r {
			scale := float64(side) / float64(max(m.Width, m.Height))
			for v := range int(float64(m.Height) * scale) {
				for u := range int(float64(m.Width) * scale) {
					p := m.Pix[3*(int(float64(v)/scale)*m.Width+int(float64(u)/scale)):]
					out.SetRGBA(x*(side+gap)+u, y*(side+gap)+v, color.RGBA{p[0], p[1], p[2], 255})
				}
			}
		}
	}
	return out
}
