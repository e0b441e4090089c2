package transforms

import "math"

// blurrer holds the buffers of a blur.
type blurrer struct {
	kernel []float32
	rows   []float32
}

// blur convolves m in place with a Gaussian of kernel x kernel pixels and the
// given sigma, borders reflected, as torchvision's gaussian_blur: float32,
// rounded once. The kernel is odd; the picture is larger than half of it.
func (b *blurrer) blur(m Image, kernel int, sigma float64) {
	half := kernel / 2
	b.kernel = grow(b.kernel, kernel)
	sum := float32(0)
	for i := range b.kernel {
		x := float64(i-half) / sigma
		b.kernel[i] = float32(math.Exp(-0.5 * x * x))
		sum += b.kernel[i]
	}
	for i := range b.kernel {
		b.kernel[i] /= sum
	}
	w, h := m.Width, m.Height
	b.rows = grow(b.rows, len(m.Pix))
	for y := range h {
		row, out := m.Pix[3*y*w:3*(y+1)*w], b.rows[3*y*w:3*(y+1)*w]
		for x := range w {
			var red, green, blue float32
			for k, c := range b.kernel {
				p := row[3*reflect(x+k-half, w):]
				red += c * float32(p[0])
				green += c * float32(p[1])
				blue += c * float32(p[2])
			}
			out[3*x], out[3*x+1], out[3*x+2] = red, green, blue
		}
	}
	for y := range h {
		for i := range 3 * w {
			var v float32
			for k, c := range b.kernel {
				v += c * b.rows[3*reflect(y+k-half, h)*w+i]
			}
			m.Pix[3*y*w+i] = uint8(min(255, math.RoundToEven(float64(v))))
		}
	}
}

// reflect maps an index outside of [0, n) back, without repeating the border.
func reflect(i, n int) int {
	if n == 1 {
		return 0
	}
	for i < 0 || i >= n {
		if i < 0 {
			i = -i
		} else {
			i = 2*(n-1) - i
		}
	}
	return i
}

// GaussianBlur blurs m in place; kernel is odd.
func GaussianBlur(m Image, kernel int, sigma float64) { new(blurrer).blur(m, kernel, sigma) }
