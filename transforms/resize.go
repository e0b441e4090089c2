package transforms

import "math"

// Filter is an interpolation. It is antialiased if the picture shrinks.
type Filter int

// The interpolations of PIL.
const (
	Bilinear Filter = iota
	Bicubic         // a = -0.5
)

func (f Filter) support() float64 {
	if f == Bicubic {
		return 2
	}
	return 1
}

func (f Filter) at(x float64) float64 {
	x = math.Abs(x)
	if f == Bilinear {
		return max(0, 1-x)
	}
	const a = -0.5
	switch {
	case x < 1:
		return ((a+2)*x-(a+3))*x*x + 1
	case x < 2:
		return (((x-5)*x+8)*x - 4) * a
	}
	return 0
}

// precision is that of PIL: coefficients are integers over 2^precision.
const precision = 22

// taps has the coefficients of one direction. Output i is the sum of
// coeff[i*width+k] * input[from[i]+k] over k < count[i].
type taps struct {
	width       int
	from, count []int
	coeff       []int32
	weights     []float64
}

// span is an interval of a row or column of pixels: from in0 to in1 within the n pixels that begin at
// first. The ends may lie within pixels.
type span struct {
	first, n int
	in0, in1 float64
}

func newSpan(from, length float64, limit int) span {
	first := math.Floor(from)
	last := math.Min(float64(limit), math.Ceil(from+length))
	return span{int(first), int(last - first), from - first, from - first + length}
}

// is reports whether resizing to out pixels changes nothing.
func (p span) is(out int) bool { return p.n == out && p.in0 == 0 && p.in1 == float64(out) }

// prepare computes the coefficients that resize p to out pixels.
func (t *taps) prepare(p span, out int, f Filter) {
	scale := (p.in1 - p.in0) / float64(out)
	stretch := max(scale, 1)
	support := f.support() * stretch
	t.width = int(math.Ceil(support))*2 + 1
	t.from, t.count = grow(t.from, out), grow(t.count, out)
	t.coeff, t.weights = grow(t.coeff, out*t.width), grow(t.weights, t.width)
	for i := range out {
		center := p.in0 + (float64(i)+0.5)*scale
		lo := max(0, int(center-support+0.5))
		n := min(p.n, int(center+support+0.5)) - lo
		sum := 0.0
		for k := range n {
			w := f.at((float64(lo+k) - center + 0.5) / stretch)
			t.weights[k] = w
			sum += w
		}
		for k := range n {
			c := t.weights[k]
			if sum != 0 {
				c /= sum
			}
			t.coeff[i*t.width+k] = int32(math.Floor(c*(1<<precision) + 0.5))
			if c < 0 {
				t.coeff[i*t.width+k] = int32(math.Ceil(c*(1<<precision) - 0.5))
			}
		}
		t.from[i], t.count[i] = lo, n
	}
}

func grow[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}

func clip8(sum int32) uint8 {
	v := sum >> precision
	if v < 0 {
		return 0
	}
	if v > 255 {
		return 255
	}
	return uint8(v)
}

// resizer has the buffers of a resize.
type resizer struct {
	h, v taps
	rows []uint8 // after the horizontal pass
	sum  []int32
}

// resizedCrop resizes the window win of src to the size of dst. It is PIL's crop followed by its resize,
// without the copy in between. As in PIL, both passes round to bytes.
func (r *resizer) resizedCrop(dst, src Image, win window, f Filter) {
	w, h := dst.Width, dst.Height
	across, down := newSpan(win.left, win.width, src.Width), newSpan(win.top, win.height, src.Height)
	stride := 3 * w
	rows := grow(r.rows, down.n*stride)
	r.rows = rows
	if !across.is(w) {
		r.h.prepare(across, w, f)
	}
	for y := range down.n {
		from := ((down.first+y)*src.Width + across.first) * 3
		if row := rows[y*stride : (y+1)*stride]; across.is(w) {
			copy(row, src.Pix[from:from+stride])
		} else {
			r.h.row(row, src.Pix[from:from+3*across.n])
		}
	}
	if down.is(h) {
		copy(dst.Pix, rows)
		return
	}
	r.v.prepare(down, h, f)
	r.sum = grow(r.sum, stride)
	for y := range h {
		r.v.column(dst.Pix[y*stride:(y+1)*stride], rows, y, r.sum)
	}
}

// row resamples one row of RGB.
func (t *taps) row(dst, src []uint8) {
	const half = 1 << (precision - 1)
	for i, lo := range t.from {
		n := t.count[i]
		c := t.coeff[i*t.width : i*t.width+n]
		p := src[3*lo : 3*(lo+n)]
		red, green, blue := int32(half), int32(half), int32(half)
		for _, k := range c {
			red += int32(p[0]) * k
			green += int32(p[1]) * k
			blue += int32(p[2]) * k
			p = p[3:]
		}
		d := dst[3*i : 3*i+3 : 3*i+3]
		d[0], d[1], d[2] = clip8(red), clip8(green), clip8(blue)
	}
}

// column computes row y of the output from rows.
func (t *taps) column(dst, rows []uint8, y int, sum []int32) {
	const half = 1 << (precision - 1)
	stride := len(dst)
	for i := range sum {
		sum[i] = half
	}
	for k := range t.count[y] {
		c := t.coeff[y*t.width+k]
		row := rows[(t.from[y]+k)*stride:][:len(sum)]
		for i, v := range row {
			sum[i] += int32(v) * c
		}
	}
	for i, v := range sum {
		dst[i] = clip8(v)
	}
}

// ResizedCrop crops src to box and resizes it to width x height, as torchvision's resized_crop does on PIL
// pictures. The box must lie within src.
func ResizedCrop(src Image, box Box, width, height int, f Filter) Image {
	dst := NewImage(width, height)
	new(resizer).resizedCrop(dst, src, Whole(src).window(box), f)
	return dst
}
