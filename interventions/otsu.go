package interventions

// otsuBins is the number of thresholds that otsu tries.
const otsuBins = 64

// otsu returns the threshold that divides scores (0 or more) into two groups with the largest variance between them
// (Otsu 1979). It returns 0 if all scores are alike.
func otsu(scores []float32) float32 {
	high := float32(0)
	for _, v := range scores {
		high = max(high, v)
	}
	if high < 1 { // no score reaches one grey level
		return 0
	}
	var count, sum [otsuBins]float64
	scale := otsuBins / high
	for _, v := range scores {
		k := min(otsuBins-1, int(v*scale))
		count[k]++
		sum[k] += float64(v)
	}
	var all, total float64
	for k := range count {
		all, total = all+count[k], total+sum[k]
	}
	best, at := -1.0, 0
	n0, s0 := 0.0, 0.0
	for k := range otsuBins - 1 {
		n0, s0 = n0+count[k], s0+sum[k]
		n1, s1 := all-n0, total-s0
		if n0 == 0 || n1 == 0 {
			continue
		}
		if d := s0/n0 - s1/n1; n0*n1*d*d > best {
			best, at = n0*n1*d*d, k+1
		}
	}
	return float32(at) / scale
}

// threshold writes 255 where a score is at least t, and 0 elsewhere.
func threshold(mask []uint8, scores []float32, t float32) {
	for i, v := range scores {
		mask[i] = 0
		if v >= t {
			mask[i] = 255
		}
	}
}
