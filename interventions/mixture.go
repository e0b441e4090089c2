package interventions

import "math"

// gaussian is one of a mixture of isotropic Gaussians of colours.
type gaussian struct {
	mean    colour
	log     float32 // of its weight and its norm
	inverse float32 // 1 / (2 variance)
}

// fitRounds is how often the pixels are assigned to the nearest Gaussian.
const fitRounds = 2

// leastVariance is that of a Gaussian of equal colours, in squared grey levels.
const leastVariance = 30

// fit appends k Gaussians of weighted pixels to g. The first means are pixels that are far apart.
func fit(g []gaussian, pixels []colour, weights []float32, k int) []gaussian {
	g = append(g, gaussian{mean: meanColour(pixels, weights)})
	for len(g) < k {
		best, at := float32(-1), 0
		for i, c := range pixels {
			d := float32(math.MaxFloat32)
			for j := range g {
				d = min(d, c.distance2(g[j].mean))
			}
			if d *= weights[i]; d > best {
				best, at = d, i
			}
		}
		g = append(g, gaussian{mean: pixels[at]})
	}
	for range fitRounds {
		refit(g, pixels, weights)
	}
	return g
}

func meanColour(pixels []colour, weights []float32) (mean colour) {
	total := float32(1e-6)
	for i, c := range pixels {
		w := weights[i]
		total += w
		mean[0], mean[1], mean[2] = mean[0]+w*c[0], mean[1]+w*c[1], mean[2]+w*c[2]
	}
	return colour{mean[0] / total, mean[1] / total, mean[2] / total}
}

// refit assigns each pixel to the nearest Gaussian and fits each Gaussian to its pixels.
func refit(g []gaussian, pixels []colour, weights []float32) {
	var sums [max(cutFore, cutBack)]struct {
		w, square float32
		c         colour
	}
	total := float32(1e-6)
	for i, c := range pixels {
		w := weights[i]
		if w < 0.05 {
			continue
		}
		best, at := float32(math.MaxFloat32), 0
		for j := range g {
			if d := c.distance2(g[j].mean); d < best {
				best, at = d, j
			}
		}
		s := &sums[at]
		s.w, s.square, total = s.w+w, s.square+w*best, total+w
		s.c[0], s.c[1], s.c[2] = s.c[0]+w*c[0], s.c[1]+w*c[1], s.c[2]+w*c[2]
	}
	for j := range g {
		s, variance := &sums[j], float32(leastVariance)
		if s.w > 0 {
			g[j].mean = colour{s.c[0] / s.w, s.c[1] / s.w, s.c[2] / s.w}
			variance += s.square / s.w / 3
		}
		g[j].inverse = 1 / (2 * variance)
		g[j].log = float32(math.Log(float64(s.w/total)+1e-6) - 1.5*math.Log(float64(variance)))
	}
}

// likelihood is the logarithm of the likeliest Gaussian at c, but for a constant.
func likelihood(g []gaussian, c colour) float32 {
	best := float32(-math.MaxFloat32)
	for j := range g {
		best = max(best, g[j].log-c.distance2(g[j].mean)*g[j].inverse)
	}
	return best
}

// sigmoid is 1 / (1 + exp(-x)) by a fraction of polynomials, within 0.02.
func sigmoid(x float32) float32 {
	x = min(3, max(-3, x/2))
	q := x * x
	return 0.5 + 0.5*x*(27+q)/(27+9*q)
}
