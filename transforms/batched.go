package transforms

import (
	"github.com/sugarme/gotch"

	"github.com/icl-msr/icl-msr/internal/libtorch"
)

// batched are the operations on pictures [n, 3, H, W] whose numbers are bytes'
// values, 0 to 255.
type batched struct {
	s       *libtorch.Scope
	device  gotch.Device
	choices []Choice
}

func (b batched) float() libtorch.Options {
	return libtorch.Options{DType: gotch.Float, Device: b.device}
}

// where applies f to the pictures that are chosen and leaves the others.
func (b batched) where(x libtorch.Tensor, chosen func(c *Choice) bool, f func(which []int, y libtorch.Tensor) libtorch.Tensor) libtorch.Tensor {
	var which []int
	var index []int64
	for i := range b.choices {
		if chosen(&b.choices[i]) {
			which, index = append(which, i), append(index, int64(i))
		}
	}
	switch len(which) {
	case 0:
		return x
	case len(b.choices):
		return f(which, x)
	}
	at := libtorch.FromSlice(b.s, index, b.device, int64(len(index)))
	return b.s.IndexCopy(x, 0, at, f(which, b.s.IndexSelect(x, 0, at)))
}

// column is a number of each picture that which names: [n, 1, 1, 1].
func (b batched) column(which []int, of func(c *Choice) float64) libtorch.Tensor {
	v := make([]float32, len(which))
	for k, i := range which {
		v[k] = float32(of(&b.choices[i]))
	}
	return libtorch.FromSlice(b.s, v, b.device, int64(len(v)), 1, 1, 1)
}

// colours jitters and grays. The four operations of the jitter come in an order
// of each picture's own: those whose turn an operation is at the same place are
// changed together.
func (b batched) colours(x libtorch.Tensor) libtorch.Tensor {
	type op struct {
		factor func(c *Choice) float64
		none   float64
		apply  func(x, factor libtorch.Tensor) libtorch.Tensor
	}
	ops := [4]op{
		{func(c *Choice) float64 { return c.Factors.Brightness }, 1, b.brightness},
		{func(c *Choice) float64 { return c.Factors.Contrast }, 1, b.contrast},
		{func(c *Choice) float64 { return c.Factors.Saturation }, 1, b.saturation},
		{func(c *Choice) float64 { return c.Factors.Hue }, 0, b.hue},
	}
	for place := range 4 {
		for k, o := range ops {
			x = b.where(x, func(c *Choice) bool { return c.Jitter && c.Factors.Order[place] == k && o.factor(c) != o.none },
				func(which []int, y libtorch.Tensor) libtorch.Tensor { return o.apply(y, b.column(which, o.factor)) })
		}
	}
	return b.where(x, func(c *Choice) bool { return c.Gray }, func(_ []int, y libtorch.Tensor) libtorch.Tensor {
		return b.s.Expand(b.luma(y), b.s.Shape(y)...)
	})
}

// bytes drops fractions, and what is beyond a byte.
func (b batched) bytes(x libtorch.Tensor) libtorch.Tensor { return b.s.Floor(b.s.Clamp(x, 0, 255)) }

// blend is a + factor*(x-a) in bytes.
func (b batched) blend(a, x, factor libtorch.Tensor) libtorch.Tensor {
	return b.bytes(b.s.Add(a, b.s.Mul(factor, b.s.Sub(x, a))))
}

// luma is the gray of each pixel: [n, 1, H, W]. All is whole numbers below 2^24,
// so exact.
func (b batched) luma(x libtorch.Tensor) libtorch.Tensor {
	weights := libtorch.FromSlice(b.s, []float32{19595, 38470, 7471}, b.device, 1, 3, 1, 1)
	sum := b.s.SumDim(b.s.Mul(x, weights), true, 1)
	return b.s.Floor(b.s.MulScalar(b.s.AddScalar(sum, 0x8000), 1./(1<<16)))
}

func (b batched) brightness(x, factor libtorch.Tensor) libtorch.Tensor {
	return b.bytes(b.s.Mul(x, factor))
}

func (b batched) contrast(x, factor libtorch.Tensor) libtorch.Tensor {
	gray := b.s.To(b.luma(x), libtorch.Options{DType: gotch.Double, Device: b.device}) // a sum of bytes may pass 2^24
	mean := b.s.Floor(b.s.AddScalar(b.s.MeanDim(gray, true, 2, 3), 0.5))
	return b.blend(b.s.To(mean, b.float()), x, factor)
}

func (b batched) saturation(x, factor libtorch.Tensor) libtorch.Tensor {
	return b.blend(b.luma(x), x, factor)
}

// hue goes through PIL's HSV in bytes and back, as Hue.
func (b batched) hue(x, factor libtorch.Tensor) libtorch.Tensor {
	s := b.s
	channel := func(c int64) libtorch.Tensor { return s.Narrow(x, 1, c, 1) }
	red, green, blue := channel(0), channel(1), channel(2)
	high := s.MaxDim(x, true, 1)
	span := s.Sub(high, s.Neg(s.MaxDim(s.Neg(x), true, 1)))
	colourless := s.Eq(span, s.ZerosLike(span))
	// A span of 0 is divided by as 1: those pixels are gray in the end.
	safe := s.ClampMin(span, 1)
	rc, gc, bc := s.Div(s.Sub(high, red), safe), s.Div(s.Sub(high, green), safe), s.Div(s.Sub(high, blue), safe)
	turn := s.Where(s.Eq(high, red), s.Sub(bc, gc), s.Where(s.Eq(high, green), s.Sub(s.AddScalar(rc, 2), bc), s.Sub(s.AddScalar(gc, 4), rc)))
	double := libtorch.Options{DType: gotch.Double, Device: b.device} // as the conversion of single pictures
	turn = s.AddScalar(s.Div(s.To(turn, double), s.Full(6, double)), 1)
	turn = s.Sub(turn, s.Floor(turn))
	hue := s.To(s.Floor(s.MulScalar(turn, 255)), b.float())
	saturation := s.To(s.Floor(s.MulScalar(s.To(s.Div(span, s.ClampMin(high, 1)), double), 255)), b.float())

	shift := s.Floor(s.MulScalar(s.Abs(factor), 255)) // towards 0
	shift = s.Where(s.Gt(factor, s.ZerosLike(factor)), shift, s.Neg(shift))
	hue = s.Add(hue, shift) // modulo 256
	hue = s.Sub(hue, s.MulScalar(s.Floor(s.MulScalar(hue, 1./256)), 256))
	six := s.Div(s.MulScalar(s.To(hue, double), 6), s.Full(255, double))
	sector := s.Floor(six)
	f := s.To(s.Sub(six, sector), b.float())
	fs := s.Div(saturation, s.Full(255, b.float()))
	level := func(part libtorch.Tensor) libtorch.Tensor { // of the value, rounded to bytes
		return s.Floor(s.AddScalar(s.Mul(high, s.AddScalar(s.Neg(part), 1)), 0.5))
	}
	parts := s.Cat(1, high, level(fs), level(s.Mul(fs, f)), level(s.Mul(fs, s.AddScalar(s.Neg(f), 1))))
	// Which of v, a, b, c red, green and blue are in each of the six sectors (a hue of 255 is the first again).
	order := libtorch.FromSlice(s, []int64{0, 3, 1, 2, 0, 1, 1, 0, 3, 1, 2, 0, 3, 1, 0, 0, 1, 2, 0, 3, 1}, b.device, 7, 3)
	shape := s.Shape(x)
	n, h, w := shape[0], shape[2], shape[3]
	index := s.To(s.Reshape(sector, -1), libtorch.Options{DType: gotch.Int64, Device: b.device})
	picked := s.Transpose(s.Transpose(s.Reshape(s.IndexSelect(order, 0, index), n, h, w, 3), 1, 3), 2, 3)
	out := s.Gather(parts, 1, s.Contiguous(picked))
	// A saturation that is 0 in bytes is gray, too.
	gray := s.Eq(s.Where(colourless, s.ZerosLike(saturation), saturation), s.ZerosLike(saturation))
	return s.Where(gray, high, out)
}

func (b batched) solarize(x libtorch.Tensor, threshold float64) libtorch.Tensor {
	limit := b.s.Full(threshold-0.5, b.float())
	return b.s.Where(b.s.Gt(x, limit), b.s.AddScalar(b.s.Neg(x), 255), x)
}

func (b batched) flip(x libtorch.Tensor) libtorch.Tensor {
	w := b.s.Size(x, 3)
	back := b.s.AddScalar(b.s.Neg(b.s.Arange(0, w, b.device)), float64(w-1))
	return b.s.IndexSelect(x, 3, b.s.To(back, libtorch.Options{DType: gotch.Int64, Device: b.device}))
}

// along multiplies the rows of x by each picture's matrix [n, W, S].
func (b batched) along(x, matrix libtorch.Tensor) libtorch.Tensor {
	return b.s.MatMul(x, b.s.Unsqueeze(matrix, 1))
}

// down multiplies the columns of x by each picture's matrix [n, H, S].
func (b batched) down(x, matrix libtorch.Tensor) libtorch.Tensor {
	return b.s.MatMul(b.s.Transpose(b.s.Unsqueeze(matrix, 1), 2, 3), x)
}

// rounded is the nearest bytes.
func (b batched) rounded(x libtorch.Tensor) libtorch.Tensor { return b.bytes(b.s.AddScalar(x, 0.5)) }

// crops cuts each picture's box out and resizes it: two products with matrices
// of the filter's weights, rounded to bytes after each, as ResizedCrop.
func (b batched) crops(x libtorch.Tensor, height, width int64, p *Pipeline) libtorch.Tensor {
	n, size := int64(len(b.choices)), int64(p.Size)
	across, down := make([]float32, n*width*size), make([]float32, n*height*size)
	var t taps
	for i := range b.choices {
		box := b.choices[i].Box
		t.prepare(newSpan(float64(box.Left), float64(box.Width), int(width)), p.Size, p.Filter)
		t.dense(across[int64(i)*width*size:], box.Left)
		t.prepare(newSpan(float64(box.Top), float64(box.Height), int(height)), p.Size, p.Filter)
		t.dense(down[int64(i)*height*size:], box.Top)
	}
	x = b.rounded(b.along(x, libtorch.FromSlice(b.s, across, b.device, n, width, size)))
	return b.rounded(b.down(x, libtorch.FromSlice(b.s, down, b.device, n, height, size)))
}

// dense writes the taps as columns of a matrix whose rows are pixels from 0.
func (t *taps) dense(m []float32, first int) {
	out := len(t.from)
	for i, lo := range t.from {
		for k := range t.count[i] {
			m[(first+lo+k)*out+i] = float32(t.coeff[i*t.width+k]) / (1 << precision)
		}
	}
}

// blur is GaussianBlur with each picture's sigma, by matrices of its kernel.
func (b batched) blur(x libtorch.Tensor, which []int, kernel int) libtorch.Tensor {
	n, h, w := int64(len(which)), b.s.Size(x, 2), b.s.Size(x, 3)
	matrix := func(size int64) libtorch.Tensor {
		m := make([]float32, n*size*size)
		var g blurrer
		for k, i := range which {
			g.prepare(kernel/2, b.choices[i].BlurSigma)
			g.dense(m[int64(k)*size*size:], int(size))
		}
		return libtorch.FromSlice(b.s, m, b.device, n, size, size)
	}
	return b.s.Clamp(b.s.Round(b.down(b.along(x, matrix(w)), matrix(h))), 0, 255)
}

// dense writes the kernel, with reflected borders, as columns of a matrix.
func (b *blurrer) dense(m []float32, size int) {
	half := len(b.kernel) - 1
	for to := range size {
		for k := -half; k <= half; k++ {
			m[reflect(to+k, size)*size+to] += b.kernel[max(k, -k)]
		}
	}
}

// normalize maps bytes as Normalization.Write does.
func (b batched) normalize(x libtorch.Tensor, n Normalization) libtorch.Tensor {
	s := b.s
	vector := func(v [3]float64) libtorch.Tensor {
		return libtorch.FromSlice(s, []float32{float32(v[0]), float32(v[1]), float32(v[2])}, b.device, 1, 3, 1, 1)
	}
	x = s.Div(x, s.Full(255, b.float()))
	if n.Lab {
		x = b.lab(x)
	}
	return s.Div(s.Sub(x, vector(n.Mean)), vector(n.Std))
}

// lab is toLab of sRGB in 0 to 1.
func (b batched) lab(x libtorch.Tensor) libtorch.Tensor {
	s := b.s
	linear := s.Where(s.Gt(x, s.Full(0.04045, b.float())), s.Pow(s.MulScalar(s.AddScalar(x, 0.055), 1/1.055), 2.4), s.MulScalar(x, 1/12.92))
	// Rows: X, Y, Z over the white of D65.
	xyz := libtorch.FromSlice(s, []float32{
		0.412453 / 0.95047, 0.357580 / 0.95047, 0.180423 / 0.95047,
		0.212671, 0.715160, 0.072169,
		0.019334 / 1.08883, 0.119193 / 1.08883, 0.950227 / 1.08883,
	}, b.device, 3, 3)
	shape := s.Shape(x)
	t := s.MatMul(xyz, s.Reshape(linear, shape[0], 3, -1))
	// The root's argument is kept off 0, where its branch is not taken.
	const knee = 0.008856
	t = s.Where(s.Gt(t, s.Full(knee, b.float())), s.Pow(s.ClampMin(t, knee), 1./3), s.AddScalar(s.MulScalar(t, 7.787), 16./116))
	lab := libtorch.FromSlice(s, []float32{0, 116, 0, 500, -500, 0, 0, 200, -200}, b.device, 3, 3)
	offset := libtorch.FromSlice(s, []float32{-16, 0, 0}, b.device, 3, 1)
	return s.Reshape(s.Add(s.MatMul(lab, t), offset), shape...)
}
