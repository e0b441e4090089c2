package interventions

import (
	"github.com/icl-msr/icl-msr/datasets"
	"github.com/icl-msr/icl-msr/transforms"
)

// resizeMask resizes a mask. The edges of the result are soft.
func resizeMask(m datasets.Mask, width, height int) datasets.Mask {
	if m.Width == width && m.Height == height {
		return m
	}
	g := transforms.NewImage(m.Width, m.Height)
	for i, v := range m.Pix {
		g.Pix[3*i], g.Pix[3*i+1], g.Pix[3*i+2] = v, v, v
	}
	whole := transforms.Box{Width: m.Width, Height: m.Height}
	g = transforms.ResizedCrop(g, whole, width, height, transforms.Bilinear)
	out := datasets.NewMask(width, height)
	for i := range out.Pix {
		out.Pix[i] = g.Pix[3*i]
	}
	return out
}

// IoU is the intersection of two masks of one size over their union. Each mask is cut at one half. Two masks without
// foreground have an IoU of 1.
func IoU(a, b datasets.Mask) float64 {
	both, either := 0, 0
	for i := range a.Pix {
		x, y := a.Pix[i] >= 128, b.Pix[i] >= 128
		if x && y {
			both++
		}
		if x || y {
			either++
		}
	}
	if either == 0 {
		return 1
	}
	return float64(both) / float64(either)
}
