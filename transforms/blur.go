package transforms

import "math"

// blurrer holds the buffers of a blur.
type blurrer struct {
	kernel []float32 // weights from the middle to one side
	row    []float32 // a row with reflected borders
	rows   []float32 // all rows after the horizontal pass
	sums   []float32
}

// blur convolves m in place with a Gaussian of kernel x kernel pixels and the given sigma. As in
// torchvision's gaussian_blur, borders are reflected and float32 is rounded once, at the end. kernel is
// odd.
func (b *blurrer) blur(m Image, kernel int, sigma float64) {
	b.prepare(kernel/2, sigma)
	half, w, h := len(b.kernel)-1, m.Width, m.Height
	line := 3 * w
	b.rows, b.sums = grow(b.rows, len(m.Pix)), grow(b.sums, line)
	b.row = grow(b.row, 3*(w+2*half))
	for y := range h {
		pix := m.Pix[y*line : (y+1)*line]
		for x := -half; x < w+half; x++ {
			p, q := pix[3*reflect(x, w):], b.row[3*(x+half):]
			q[0], q[1], q[2] = float32(p[0]), float32(p[1]), float32(p[2])
		}
		out := b.rows[y*line : (y+1)*line]
		weigh(out, b.row[3*half:], b.kernel[0])
		for k, c := range b.kernel[1:] {
			add(out, b.row[3*(half-k-1):], b.row[3*(half+k+1):], c)
		}
	}
	at := func(y int) []float32 { return b.rows[reflect(y, h)*line:] }
	for y := range h {
		weigh(b.sums, at(y), b.kernel[0])
		for k, c := range b.kernel[1:] {
			add(b.sums, at(y-k-1), at(y+k+1), c)
		}
		pix := m.Pix[y*line : (y+1)*line]
		for i, v := range b.sums {
			pix[i] = uint8(min(255, math.RoundToEven(float64(v))))
		}
	}
}

// prepare computes one side of the kernel. It cuts off the tail that weighs less than a hundredth of a
// grey level in all.
func (b *blurrer) prepare(half int, sigma float64) {
	b.kernel = grow(b.kernel, half+1)
	sum := float32(0)
	for i := range b.kernel {
		x := float64(i) / sigma
		b.kernel[i] = float32(math.Exp(-0.5 * x * x))
		if sum += b.kernel[i]; i > 0 {
			sum += b.kernel[i]
		}
	}
	rest := float32(0)
	for last := half; last > 0; last-- {
		if rest += 2 * b.kernel[last]; rest > 1e-5*sum {
			b.kernel = b.kernel[:last+1]
			break
		}
		if last == 1 {
			b.kernel = b.kernel[:1]
		}
	}
	for i := range b.kernel {
		b.kernel[i] /= sum
	}
}

// weigh sets out to c times in.
func weigh(out, in []float32, c float32) {
	in = in[:len(out)]
	for i := range out {
		out[i] = c * in[i]
	}
}

// add adds c times both sides to out.
func add(out, left, right []float32, c float32) {
	left, right = left[:len(out)], right[:len(out)]
	for i := range out {
		out[i] += c * (left[i] + right[i])
	}
}

// reflect maps an index outside of [0, n) to its mirror image, without repeating the border.
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

// GaussianBlur blurs m in place. kernel is the side of the kernel in pixels, which must be odd.
func GaussianBlur(m Image, kernel int, sigma float64) { new(blurrer).blur(m, kernel, sigma) }
