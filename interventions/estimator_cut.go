package interventions

import "github.com/icl-msr/icl-msr/transforms"

// Constants of findByCut, which alternates between fitting colour models and sweeps of the mean field.
const (
	cutRounds = 2
	cutSweeps = 3
	cutFore   = 3   // number of Gaussians of the foreground's colours
	cutBack   = 6   // number of Gaussians of the background's colours
	cutSmooth = 3   // weight of a neighbour of the same colour
	cutLimit  = 4   // bound of a pixel's own evidence
	cutMiddle = 0.3 // share of the picture's middle in the first guess
)

// findByCut starts from findByRegions and refines the mask as GrabCut does (Rother, Kolmogorov and Blake 2004).
// Gaussians model the colours of foreground and background, and the outline follows edges. Instead of the exact minimum
// of GrabCut's energy it computes the mean field (Krahenbuhl and Koltun 2011, arXiv:1210.5644), here with four
// neighbours.
func findByCut(m transforms.Image, mask []uint8, b *Scratch) {
	findByRegions(m, mask, b)
	b.guess(m.Width, m.Height, mask)
	b.tie(m.Width)
	b.front, b.back = b.front[:0], b.back[:0]
	for range cutRounds {
		b.weighColours(m)
		for range cutSweeps {
			b.sweep(m.Width, m.Height)
		}
	}
	threshold(mask, b.fore, 0.5)
}

// guess makes the first guess: the mask, mixed with the middle of the picture.
func (b *Scratch) guess(w, h int, mask []uint8) {
	n := w * h
	b.fore, b.rest, b.prior, b.evidence = grow(b.fore, n), grow(b.rest, n), grow(b.prior, n), grow(b.evidence, n)
	for i := range n {
		x, y := 2*(float32(i%w)+0.5)/float32(w)-1, 2*(float32(i/w)+0.5)/float32(h)-1
		r := x*x + y*y
		b.prior[i] = 0.5 - r
		b.fore[i] = (1-cutMiddle)*float32(mask[i])/255 + cutMiddle*decay(2*r)
	}
}

// tie computes how strongly each pixel is tied to its right and its lower neighbour. The weight is 1 if their colours
// are equal.
func (b *Scratch) tie(w int) {
	n := len(b.pixels)
	b.right, b.below = grow(b.right, n), grow(b.below, n)
	sum := float32(0)
	for i := range n {
		b.right[i], b.below[i] = 0, 0
		if i%w < w-1 {
			b.right[i] = b.pixels[i].distance2(b.pixels[i+1])
		}
		if i+w < n {
			b.below[i] = b.pixels[i].distance2(b.pixels[i+w])
		}
		sum += b.right[i] + b.below[i]
	}
	scale := 1 / max(sum/float32(n), 1)
	for i := range n {
		b.right[i], b.below[i] = decay(scale*b.right[i]), decay(scale*b.below[i])
	}
}

// weighColours fits Gaussians to both sides and writes each pixel's evidence for the foreground, the difference of log
// likelihoods. Pixels at the border always belong to the background.
func (b *Scratch) weighColours(m transforms.Image) {
	frame(m, 1, func(i int) { b.fore[i] = 0 })
	for i, f := range b.fore {
		b.rest[i] = 1 - f
	}
	b.front = b.fit(b.front, b.fore, cutFore)
	b.back = b.fit(b.back, b.rest, cutBack)
	for i, c := range b.pixels {
		e := likelihood(b.front, c) - likelihood(b.back, c) + b.prior[i]
		b.evidence[i] = clamp(e, cutLimit)
	}
}

// fit fits Gaussians to the weighted pixels. If there are none yet, fit first places new ones.
func (b *Scratch) fit(g []gaussian, weights []float32, k int) []gaussian {
	b.sample(weights)
	if len(g) == 0 {
		g = spread(g, b.some, b.someWeights, k)
		refit(g, b.some, b.someWeights)
	}
	refit(g, b.some, b.someWeights)
	return g
}

// sweep updates each pixel's foreground, in place, to the mean field of its neighbours and its own evidence.
func (b *Scratch) sweep(w, h int) {
	f := b.fore[:w*h]
	right, below, evidence := b.right[:w*h], b.below[:w*h], b.evidence[:w*h]
	for y := range h {
		for x := range w {
			i := y*w + x
			sum := float32(0)
			if x > 0 {
				sum += right[i-1] * (2*f[i-1] - 1)
			}
			if x < w-1 {
				sum += right[i] * (2*f[i+1] - 1)
			}
			if y > 0 {
				sum += below[i-w] * (2*f[i-w] - 1)
			}
			if y < h-1 {
				sum += below[i] * (2*f[i+w] - 1)
			}
			f[i] = sigmoid(evidence[i] + cutSmooth*sum)
		}
	}
}
