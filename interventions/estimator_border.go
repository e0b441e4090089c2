package interventions

import (
	"math"

	"github.com/icl-msr/icl-msr/transforms"
)

// findByBorder finds the pixels whose colour is far from all colours of the border. The score is the distance to the
// nearest border colour in opponent axes, cut by Otsu's threshold.
func findByBorder(m transforms.Image, mask []uint8, b *Scratch) {
	b.score = grow(b.score, len(mask))
	b.borderDistance(m, b.score)
	threshold(mask, b.score, otsu(b.score))
}

// cell is a cube of colours with 8 levels on a side. The distance is computed once for a cell, because its colours are
// similar.
type cell struct {
	stamp    uint32 // number of the picture that the cell was computed for
	distance float32
}

const cellBits = 5

func cellOf(m transforms.Image, i int) int {
	p := m.Pix[3*i : 3*i+3 : 3*i+3]
	return int(p[0]>>3)<<(2*cellBits) | int(p[1]>>3)<<cellBits | int(p[2]>>3)
}

// borderDistance writes each pixel's distance to the nearest colour of the border.
func (b *Scratch) borderDistance(m transforms.Image, out []float32) {
	b.cells = grow(b.cells, 1<<(3*cellBits))
	b.stamp += 2
	b.border = b.border[:0]
	frame(m, max(1, min(m.Width, m.Height)/16), func(i int) {
		if c := &b.cells[cellOf(m, i)]; c.stamp != b.stamp {
			c.stamp = b.stamp
			b.border = append(b.border, pixel(m, i))
		}
	})
	for i := range out {
		c := &b.cells[cellOf(m, i)]
		if c.stamp != b.stamp+1 {
			*c = cell{b.stamp + 1, nearest(b.border, pixel(m, i))}
		}
		out[i] = c.distance
	}
}

// nearest is the distance from c to the nearest of some colours.
func nearest(some []colour, c colour) float32 {
	best := float32(math.Inf(1))
	for _, d := range some {
		if e := c.distance2(d); e < best {
			best = e
		}
	}
	return float32(math.Sqrt(float64(best)))
}
