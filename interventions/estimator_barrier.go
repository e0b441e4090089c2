package interventions

import (
	"math"

	"github.com/icl-msr/icl-msr/transforms"
)

// barrierPasses is the number of scans. Scans run forwards and backwards in turn.
const barrierPasses = 3

// findByBarrier finds the pixels that every path from the border reaches only through changes of colour. The score is
// the minimum barrier distance (Zhang et al., Minimum Barrier Salient Object Detection at 80 FPS, ICCV 2015, algorithm
// 1), summed over the channels and cut by Otsu's threshold. The barrier of a path is its largest minus its smallest
// value.
func findByBarrier(m transforms.Image, mask []uint8, b *Scratch) {
	n := len(mask)
	b.score = grow(b.score, n)
	clear(b.score)
	b.values, b.high, b.low, b.barrier = grow(b.values, n), grow(b.high, n), grow(b.low, n), grow(b.barrier, n)
	for c := range 3 {
		for i := range n {
			b.values[i] = m.Pix[3*i+c]
		}
		b.barriers(m.Width, m.Height)
		for i, v := range b.barrier {
			b.score[i] += float32(v)
		}
	}
	threshold(mask, b.score, otsu(b.score))
}

// barriers computes the distances of b.values to the border.
func (b *Scratch) barriers(w, h int) {
	copy(b.high, b.values)
	copy(b.low, b.values)
	for i := range b.barrier {
		b.barrier[i] = math.MaxUint8
	}
	for x := range w {
		b.barrier[x], b.barrier[(h-1)*w+x] = 0, 0
	}
	for y := range h {
		b.barrier[y*w], b.barrier[y*w+w-1] = 0, 0
	}
	for pass := range barrierPasses {
		if pass%2 == 0 {
			for y := 1; y < h-1; y++ {
				for i := y*w + 1; i < y*w+w-1; i++ {
					b.step(i, i-1)
					b.step(i, i-w)
				}
			}
			continue
		}
		for y := h - 2; y > 0; y-- {
			for i := y*w + w - 2; i > y*w; i-- {
				b.step(i, i+1)
				b.step(i, i+w)
			}
		}
	}
}

// step gives pixel i its neighbour's path if that path has a lower barrier.
func (b *Scratch) step(i, from int) {
	v := b.values[i]
	high, low := max(b.high[from], v), min(b.low[from], v)
	if d := high - low; d < b.barrier[i] {
		b.barrier[i], b.high[i], b.low[i] = d, high, low
	}
}
