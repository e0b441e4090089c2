package interventions

import (
	"math"

	"github.com/icl-msr/icl-msr/transforms"
)

// Constants of findByRegions.
const (
	regionColour = 15  // grey levels within which two regions are alike
	regionNear   = 0.4 // range of the contrast, as a share of the picture's side
)

// findByRegions segments the picture and scores each region. A region is foreground if it touches little of the border
// for its size and differs in colour from the background around it. The score is the background-weighted contrast,
// whose weights follow from the boundary connectivity (Zhu et al., Saliency Optimization from Robust Background
// Detection, CVPR 2014). Otsu's threshold cuts it.
func findByRegions(m transforms.Image, mask []uint8, b *Scratch) {
	b.readPixels(m)
	b.score = grow(b.score, len(mask))
	b.segments.split(b.pixels, m.Width)
	b.gather(m.Width, m.Height)
	b.connect()
	for k := range b.regions {
		b.regions[k].contrast(b.regions, float32(len(mask)))
	}
	for i := range mask {
		b.score[i] = b.regions[b.place[b.segments.root(int32(i))]].saliency
	}
	threshold(mask, b.score, otsu(b.score))
}

// region is a connected part of a picture with nearly one colour.
type region struct {
	area, border float32 // in pixels
	mean         colour
	x, y         float32 // centre, from 0 to 1
	background   float32 // how surely it belongs to the background, from 0 to 1
	saliency     float32 // in grey levels
}

func (b *Scratch) readPixels(m transforms.Image) {
	b.pixels = grow(b.pixels, m.Width*m.Height)
	for i := range b.pixels {
		b.pixels[i] = pixel(m, i)
	}
}

// gather measures the regions of the segmentation.
func (b *Scratch) gather(w, h int) {
	b.place = grow(b.place, w*h)
	b.regions = b.regions[:0]
	for i := range b.place {
		if b.segments.root(int32(i)) == int32(i) {
			b.place[i] = int32(len(b.regions))
			b.regions = append(b.regions, region{})
		}
	}
	for i, c := range b.pixels {
		r := &b.regions[b.place[b.segments.root(int32(i))]]
		x, y := i%w, i/w
		r.area++
		r.mean[0], r.mean[1], r.mean[2] = r.mean[0]+c[0], r.mean[1]+c[1], r.mean[2]+c[2]
		r.x, r.y = r.x+float32(x)/float32(w), r.y+float32(y)/float32(h)
		if x == 0 || y == 0 || x == w-1 || y == h-1 {
			r.border++
		}
	}
	for k := range b.regions {
		r := &b.regions[k]
		r.mean = colour{r.mean[0] / r.area, r.mean[1] / r.area, r.mean[2] / r.area}
		r.x, r.y = r.x/r.area, r.y/r.area
	}
}

// connect computes how surely each region is background: the length of border that this region and similar ones touch,
// divided by the square root of their area.
func (b *Scratch) connect() {
	for k := range b.regions {
		r := &b.regions[k]
		area, border := float32(0), float32(0)
		for j := range b.regions {
			q := &b.regions[j]
			alike := decay(r.mean.distance2(q.mean) * (1. / (2 * regionColour * regionColour)))
			area, border = area+alike*q.area, border+alike*q.border
		}
		r.background = 1 - decay(border*border/(2*area))
	}
}

// contrast computes the saliency of r: its difference in colour from the background. Near regions count more.
func (r *region) contrast(all []region, pixels float32) {
	sum := float32(0)
	for j := range all {
		q := &all[j]
		far := (r.x-q.x)*(r.x-q.x) + (r.y-q.y)*(r.y-q.y)
		weight := q.background * q.area * decay(far*(1./(2*regionNear*regionNear)))
		sum += weight * float32(math.Sqrt(float64(r.mean.distance2(q.mean))))
	}
	r.saliency = sum / pixels * (1 - r.background)
}

// decay approximates exp(-x) for x of 0 or more by the inverse of the first four terms of exp(x).
func decay(x float32) float32 { return 1 / (1 + x*(1+x*(0.5+x*(1./6)))) }
