package transforms

import (
	"math"
	"math/rand/v2"
)

// randomBox draws the box of torchvision's RandomResizedCrop: an area in scale
// of the picture's, an aspect ratio log-uniform in ratio; after ten boxes that
// do not fit, the largest central one whose ratio is allowed.
func randomBox(width, height int, scale, ratio [2]float64, rng *rand.Rand) Box {
	area := float64(width * height)
	low, high := math.Log(ratio[0]), math.Log(ratio[1])
	for range 10 {
		target := area * (scale[0] + (scale[1]-scale[0])*rng.Float64())
		aspect := math.Exp(low + (high-low)*rng.Float64())
		w := int(math.RoundToEven(math.Sqrt(target * aspect)))
		h := int(math.RoundToEven(math.Sqrt(target / aspect)))
		if 0 < w && w <= width && 0 < h && h <= height {
			return Box{Top: rng.IntN(height - h + 1), Left: rng.IntN(width - w + 1), Width: w, Height: h}
		}
	}
	w, h := width, height
	switch in := float64(width) / float64(height); {
	case in < ratio[0]:
		h = min(height, int(math.RoundToEven(float64(w)/ratio[0])))
	case in > ratio[1]:
		w = min(width, int(math.RoundToEven(float64(h)*ratio[1])))
	}
	return Box{Top: (height - h) / 2, Left: (width - w) / 2, Width: w, Height: h}
}

// Jitter are the strengths of ColorJitter: factors of brightness, contrast and
// saturation are uniform in max(0, 1-x) to 1+x, the hue's turn in -x to x.
type Jitter struct{ Brightness, Contrast, Saturation, Hue float64 }

// apply jitters in place, the four in random order, as torchvision does.
func (j Jitter) apply(m Image, rng *rand.Rand) {
	order := [4]int{0, 1, 2, 3}
	rng.Shuffle(4, func(a, b int) { order[a], order[b] = order[b], order[a] })
	factor := func(x float64) float64 {
		low := max(0, 1-x)
		return low + (1+x-low)*rng.Float64()
	}
	brightness, contrast, saturation := factor(j.Brightness), factor(j.Contrast), factor(j.Saturation)
	hue := j.Hue * (2*rng.Float64() - 1)
	for _, op := range order {
		switch {
		case op == 0 && j.Brightness > 0:
			Brightness(m, brightness)
		case op == 1 && j.Contrast > 0:
			Contrast(m, contrast)
		case op == 2 && j.Saturation > 0:
			Saturation(m, saturation)
		case op == 3 && j.Hue > 0:
			Hue(m, hue)
		}
	}
}
