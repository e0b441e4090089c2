package interventions

import "github.com/icl-msr/icl-msr/datasets"

// feather softens the edges of a mask. Each pixel becomes the weighted mean of the 3 x 3 pixels around it: the middle
// has weight 4, its direct neighbours 2 and the corners 1.
func feather(m datasets.Mask) datasets.Mask {
	w, h := m.Width, m.Height
	rows, out := make([]uint16, len(m.Pix)), datasets.NewMask(w, h)
	for y := range h {
		row := m.Pix[y*w : (y+1)*w]
		for x, v := range row {
			rows[y*w+x] = 2*uint16(v) + uint16(row[max(0, x-1)]) + uint16(row[min(w-1, x+1)])
		}
	}
	for y := range h {
		above, below := rows[max(0, y-1)*w:], rows[min(h-1, y+1)*w:]
		for x := range w {
			out.Pix[y*w+x] = uint8((2*rows[y*w+x] + above[x] + below[x] + 8) / 16)
		}
	}
	return out
}
