package interventions

import "math"

// gaussian is one isotropic Gaussian of a mixture of colours.
type gaussian struct {
	mean    colour
	log     float32 // logarithm of its weight and its normalization
	inverse float32 // 1 / (2 variance)
}

// leastVariance is the smallest variance of a Gaussian, in squared grey levels. It keeps a Gaussian of equal colours
// finite.
const leastVariance = 30

// sampled is the approximate number of pixels that Gaussians are fitted to.
const sampled = 400

// sample takes about sampled pixels at equal steps, without those whose weight is nearly 0.
func (b *Scratch) sample(weights []float32) {
	// An odd step rarely divides the picture's width, so that the sample covers all columns.
	step := max(1, len(b.pixels)/sampled) | 1
	b.some, b.someWeights = b.some[:0], b.someWeights[:0]
	for i := 0; i < len(b.pixels); i += step {
		if weights[i] >= 0.05 {
			b.some, b.someWeights = append(b.some, b.pixels[i]), append(b.someWeights, weights[i])
		}
	}
}

// spread appends k Gaussians to g. The first mean is that of the weighted pixels; the others are pixels that are far
// apart.
func spread(g []gaussian, pixels []colour, weights []float32, k int) []gaussian {
	g = append(g, gaussian{mean: meanColour(pixels, weights)})
	far := make([]float32, len(pixels))
	for i, c := range pixels {
		far[i] = c.distance2(g[0].mean)
	}
	for len(g) < k && len(pixels) > 0 {
		best, at := float32(-1), 0
		for i, d := range far {
			if d *= weights[i]; d > best {
				best, at = d, i
			}
		}
		next := pixels[at]
		g = append(g, gaussian{mean: next})
		for i, c := range pixels {
			if d := c.distance2(next); d < far[i] {
				far[i] = d
			}
		}
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

// refit assigns each pixel to the nearest Gaussian, and then fits each Gaussian to its pixels.
func refit(g []gaussian, pixels []colour, weights []float32) {
	var sums [max(cutFore, cutBack)]struct {
		w, square float32
		c         colour
	}
	total := float32(1e-6)
	for i, c := range pixels {
		w := weights[i]
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

// likelihood is the log likelihood of the likeliest Gaussian at c, up to a constant.
func likelihood(g []gaussian, c colour) float32 {
	best := float32(-math.MaxFloat32)
	for j := range g {
		if l := g[j].log - c.distance2(g[j].mean)*g[j].inverse; l > best {
			best = l
		}
	}
	return best
}

// sigmoid approximates 1 / (1 + exp(-x)) by a straight line that ends at 0 and 1.
func sigmoid(x float32) float32 { return 0.5 + clamp(x*0.2, 0.5) }

// clamp limits x to the range from -limit to limit. The builtins min and max are slower, because they treat NaN and the
// signs of 0.
func clamp(x, limit float32) float32 {
	if x > limit {
		return limit
	}
	if x < -limit {
		return -limit
	}
	return x
}
