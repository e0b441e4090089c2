package reference

import (
	"math"
	"strings"
)

// Parameter is the reference networks' parameter of that name and shape, row-major:
// scale * sin(0.37*j + len(name) + phase). The scale of two or more dimensions is
// 1/sqrt(fan_in), that of others 0.1; batch norms' weights are 1 + that.
func Parameter(name string, shape []int64, phase float64) []float64 {
	n, fan := int64(1), int64(1)
	for i, d := range shape {
		n *= d
		if i > 0 {
			fan *= d
		}
	}
	scale, shift := 0.1, 0.0
	if len(shape) >= 2 {
		scale = 1 / math.Sqrt(float64(fan))
	} else if strings.HasSuffix(name, "weight") {
		shift = 1
	}
	out := make([]float64, n)
	for j := range out {
		out[j] = shift + scale*math.Sin(0.37*float64(j)+float64(len(name))+phase)
	}
	return out
}

// Pictures are view v of n pictures [n, 3, size, size] at a step of the reference
// trajectories: cos(0.011*(i+1)*k + 0.7*step + 1.3*v + phase), k over a picture.
func Pictures(n, size, step, v int, phase float64) []float64 {
	pixels := 3 * size * size
	out := make([]float64, 0, n*pixels)
	for i := range n {
		for k := range pixels {
			out = append(out, math.Cos(0.011*float64(i+1)*float64(k)+0.7*float64(step)+1.3*float64(v)+phase))
		}
	}
	return out
}
