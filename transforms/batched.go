package transforms

import (
	"github.com/sugarme/gotch"

	"github.com/icl-msr/icl-msr/torch"
)

// colours applies the jitter and the conversion to gray. Each picture has its own order of the jitter's
// four operations. Pictures with the same operation at the same place are changed together.
func (b batched) colours(x torch.Tensor) torch.Tensor {
	ops := [4]func(x, factor torch.Tensor) torch.Tensor{b.brightness, b.contrast, b.saturation, b.hue}
	for place := range 4 {
		for k, op := range ops {
			x = b.where(x, b.params.jitter[place][k], op)
		}
	}
	return b.where(x, b.params.gray, func(y, _ torch.Tensor) torch.Tensor {
		return b.s.Expand(b.luma(y), b.s.Shape(y)...)
	})
}

// bytes clamps to 0 to 255 and rounds down.
func (b batched) bytes(x torch.Tensor) torch.Tensor { return b.s.Floor(b.s.Clamp(x, 0, 255)) }

// blend returns a + factor*(x-a) in bytes.
func (b batched) blend(a, x, factor torch.Tensor) torch.Tensor {
	return b.bytes(b.s.Add(a, b.s.Mul(factor, b.s.Sub(x, a))))
}

// luma returns the gray of each pixel, [n, 1, H, W]. All values are whole numbers below 2^24, so that
// float32 is exact.
func (b batched) luma(x torch.Tensor) torch.Tensor {
	weighted := func(c int64, weight float64) torch.Tensor { return b.s.MulScalar(b.s.Narrow(x, 1, c, 1), weight) }
	sum := b.s.Add(b.s.Add(weighted(0, 19595), weighted(1, 38470)), weighted(2, 7471))
	return b.s.Floor(b.s.MulScalar(b.s.AddScalar(sum, 0x8000), 1./(1<<16)))
}

func (b batched) brightness(x, factor torch.Tensor) torch.Tensor {
	return b.bytes(b.s.Mul(x, factor))
}

func (b batched) contrast(x, factor torch.Tensor) torch.Tensor {
	gray := b.s.To(b.luma(x), torch.Options{DType: gotch.Double, Device: b.device}) // a sum of bytes may exceed 2^24
	mean := b.s.Floor(b.s.AddScalar(b.s.MeanDim(gray, true, 2, 3), 0.5))
	return b.blend(b.s.To(mean, b.float()), x, factor)
}

func (b batched) saturation(x, factor torch.Tensor) torch.Tensor {
	return b.blend(b.luma(x), x, factor)
}

// hue is Hue for a batch: to PIL's HSV in bytes and back.
func (b batched) hue(x, factor torch.Tensor) torch.Tensor {
	s := b.s
	channel := func(c int64) torch.Tensor { return s.Narrow(x, 1, c, 1) }
	red, green, blue := channel(0), channel(1), channel(2)
	high := s.MaxDim(x, true, 1)
	span := s.Sub(high, s.Neg(s.MaxDim(s.Neg(x), true, 1)))
	colourless := s.Eq(span, s.ZerosLike(span))
	// A span of 0 becomes 1 to avoid a division by 0. Those pixels end up gray.
	safe := s.ClampMin(span, 1)
	rc, gc, bc := s.Div(s.Sub(high, red), safe), s.Div(s.Sub(high, green), safe), s.Div(s.Sub(high, blue), safe)
	turn := s.Where(
		s.Eq(high, red),
		s.Sub(bc, gc),
		s.Where(s.Eq(high, green), s.Sub(s.AddScalar(rc, 2), bc), s.Sub(s.AddScalar(gc, 4), rc)),
	)
	double := torch.Options{DType: gotch.Double, Device: b.device} // as toHSV has it
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
	level := func(x torch.Tensor) torch.Tensor { // value*(1-x), rounded to bytes
		return s.Floor(s.AddScalar(s.Mul(high, s.AddScalar(s.Neg(x), 1)), 0.5))
	}
	levels := s.Cat(1, high, level(fs), level(s.Mul(fs, f)), level(s.Mul(fs, s.AddScalar(s.Neg(f), 1))))
	order := b.at(b.whole, b.params.hues, 7, 3)
	shape := s.Shape(x)
	n, h, w := shape[0], shape[2], shape[3]
	index := s.To(s.Reshape(sector, -1), torch.Options{DType: gotch.Int64, Device: b.device})
	picked := s.Transpose(s.Transpose(s.Reshape(s.IndexSelect(order, 0, index), n, h, w, 3), 1, 3), 2, 3)
	out := s.Gather(levels, 1, s.Contiguous(picked))
	// Pixels whose saturation rounds to 0 are gray, too.
	gray := s.Eq(s.Where(colourless, s.ZerosLike(saturation), saturation), s.ZerosLike(saturation))
	return s.Where(gray, high, out)
}

func (b batched) solarize(x torch.Tensor, threshold float64) torch.Tensor {
	limit := b.s.Full(threshold-0.5, b.float())
	return b.s.Where(b.s.Gt(x, limit), b.s.AddScalar(b.s.Neg(x), 255), x)
}

func (b batched) flip(x torch.Tensor) torch.Tensor {
	w := b.s.Size(x, 3)
	back := b.s.AddScalar(b.s.Neg(b.s.Arange(0, w, b.device)), float64(w-1))
	return b.s.IndexSelect(x, 3, b.s.To(back, torch.Options{DType: gotch.Int64, Device: b.device}))
}

// normalize is Normalization.Write for a batch.
func (b batched) normalize(x torch.Tensor, n Normalization) torch.Tensor {
	s := b.s
	x = s.Div(x, s.Full(255, b.float()))
	if n.Lab {
		x = b.lab(x)
	}
	mean, std := b.at(b.single, b.params.mean, 1, 3, 1, 1), b.at(b.single, b.params.std, 1, 3, 1, 1)
	return s.Div(s.Sub(x, mean), std)
}

// lab is toLab for a batch of sRGB in 0 to 1.
func (b batched) lab(x torch.Tensor) torch.Tensor {
	s := b.s
	linear := s.Where(
		s.Gt(x, s.Full(0.04045, b.float())),
		s.Pow(s.MulScalar(s.AddScalar(x, 0.055), 1/1.055), 2.4),
		s.MulScalar(x, 1/12.92),
	)
	constants := func(at, rows, columns int) torch.Tensor {
		return b.at(b.single, slot{b.params.lab.at + at, rows * columns}, int64(rows), int64(columns))
	}
	xyz, lab, offset := constants(0, 3, 3), constants(9, 3, 3), constants(18, 3, 1)
	shape := s.Shape(x)
	t := s.MatMul(xyz, s.Reshape(linear, shape[0], 3, -1))
	// The argument of the root is clamped. Below the knee the other branch is taken.
	const knee = 0.008856
	t = s.Where(
		s.Gt(t, s.Full(knee, b.float())),
		s.Pow(s.ClampMin(t, knee), 1./3),
		s.AddScalar(s.MulScalar(t, 7.787), 16./116),
	)
	return s.Reshape(s.Add(s.MatMul(lab, t), offset), shape...)
}
