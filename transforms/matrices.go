package transforms

import (
	"math"

	"github.com/sugarme/gotch"

	"github.com/icl-msr/icl-msr/torch"
)

// On a device, a crop, resize or blur is a product with a matrix for each picture. The device computes the
// matrix from a few numbers for each picture.

// timesRows multiplies the rows of x [n, 3, H, W] by each picture's matrix [n, W, S].
func (b batched) timesRows(x, matrix torch.Tensor) torch.Tensor {
	return b.s.MatMul(x, b.s.Unsqueeze(matrix, 1))
}

// timesColumns multiplies the columns of x [n, 3, H, W] by each picture's matrix [n, H, S].
func (b batched) timesColumns(x, matrix torch.Tensor) torch.Tensor {
	return b.s.MatMul(b.s.Transpose(b.s.Unsqueeze(matrix, 1), 2, 3), x)
}

// rounded rounds to the nearest byte.
func (b batched) rounded(x torch.Tensor) torch.Tensor { return b.bytes(b.s.AddScalar(x, 0.5)) }

// resizedCrops is ResizedCrop for a batch: it crops each picture to its box and resizes it. It rounds to bytes after
// each direction.
func (b batched) resizedCrops(x torch.Tensor, p *Pipeline) torch.Tensor {
	box := func(k int) torch.Tensor { return b.at(b.double, b.params.box[k], -1, 1, 1) }
	size := int64(p.Size)
	x = b.rounded(b.timesRows(x, b.filter(box(0), box(2), b.s.Size(x, 3), size, p.Filter)))
	return b.rounded(b.timesColumns(x, b.filter(box(1), box(3), b.s.Size(x, 2), size, p.Filter)))
}

// resize is ResizedCrop of whole pictures to height x width, for a batch.
func (b batched) resize(x torch.Tensor, height, width int64) torch.Tensor {
	matrix := func(from, to int64) torch.Tensor {
		whole := torch.Options{DType: gotch.Double, Device: b.device}
		return b.filter(b.s.Full(0, whole, 1, 1, 1), b.s.Full(float64(from), whole, 1, 1, 1), from, to, Bicubic)
	}
	if from := b.s.Size(x, 3); from != width {
		x = b.rounded(b.timesRows(x, matrix(from, width)))
	}
	if from := b.s.Size(x, 2); from != height {
		x = b.rounded(b.timesColumns(x, matrix(from, height)))
	}
	return x
}

// filter is taps.prepare for a batch, in the same arithmetic. It returns the matrices [n, from, to] that
// resize length pixels, beginning at pixel first, of a line of from pixels to a line of to pixels. first
// and length are [n, 1, 1].
func (b batched) filter(first, length torch.Tensor, from, to int64, f Filter) torch.Tensor {
	s := b.s
	double := torch.Options{DType: gotch.Double, Device: b.device}
	number := func(v float64) torch.Tensor { return s.Full(v, double) }
	scale := s.Div(length, number(float64(to)))
	stretch := s.ClampMin(scale, 1)
	support := s.MulScalar(stretch, f.support())
	center := s.Mul(s.AddScalar(s.Reshape(s.To(s.Arange(0, to, b.device), double), 1, 1, to), 0.5), scale)
	low := s.ClampMin(s.Floor(s.AddScalar(s.Sub(center, support), 0.5)), 0)
	high := s.Floor(s.AddScalar(s.Add(center, support), 0.5))
	high = s.Where(s.Gt(high, length), length, high)

	pixel := s.Sub(s.Reshape(s.To(s.Arange(0, from, b.device), double), 1, from, 1), first)
	weight := b.weights(s.Abs(s.Div(s.AddScalar(s.Sub(pixel, center), 0.5), stretch)), f, number)
	weight = s.Where(s.Gt(low, pixel), number(0), s.Where(s.Gt(high, pixel), weight, number(0)))
	sum := s.SumDim(weight, true, 1)
	weight = s.Div(weight, s.Where(s.Eq(sum, number(0)), number(1), sum))
	// Coefficients are whole numbers over 2^precision. Halves are rounded away from 0.
	units := s.Floor(s.AddScalar(s.MulScalar(s.Abs(weight), 1<<precision), 0.5))
	units = s.Where(s.Gt(weight, number(0)), units, s.Neg(units))
	return s.To(s.MulScalar(units, 1./(1<<precision)), b.float())
}

// weights is Filter.at for a batch of distances that are not negative.
func (b batched) weights(x torch.Tensor, f Filter, number func(float64) torch.Tensor) torch.Tensor {
	s := b.s
	if f == Bilinear {
		return s.ClampMin(s.AddScalar(s.Neg(x), 1), 0)
	}
	const a = -0.5
	near := s.AddScalar(s.Mul(s.Mul(s.AddScalar(s.MulScalar(x, a+2), -(a+3)), x), x), 1)
	far := s.MulScalar(s.AddScalar(s.Mul(s.AddScalar(s.Mul(s.AddScalar(x, -5), x), 8), x), -4), a)
	return s.Where(s.Gt(number(1), x), near, s.Where(s.Gt(number(2), x), far, number(0)))
}

// blurs is GaussianBlur for a batch, with a sigma for each picture.
func (b batched) blurs(x torch.Tensor) torch.Tensor {
	return b.where(x, b.params.blur, func(y, _ torch.Tensor) torch.Tensor {
		h, w := b.s.Size(y, 2), b.s.Size(y, 3)
		kernels := b.at(b.single, b.params.kernels, -1, int64(b.params.half)+2)
		across := b.kernels(kernels, w)
		along := across
		if h != w {
			along = b.kernels(kernels, h)
		}
		return b.s.Clamp(b.s.Round(b.timesColumns(b.timesRows(y, across), along)), 0, 255)
	})
}

// kernels converts kernels [n, half+2] to matrices [n, size, size] with reflected borders. A pixel
// contributes at its place and at its mirror images, which both borders repeat without end. An image
// farther away than half has the weight 0, which is in the last column of kernels.
func (b batched) kernels(kernels torch.Tensor, size int64) torch.Tensor {
	s, half, last := b.s, int64(b.params.half), size-1
	if last == 0 {
		return s.Full(1, b.float(), 1, 1, 1)
	}
	place := s.To(s.Arange(0, size, b.device), b.float())
	from, to := s.Reshape(place, -1, 1), s.Reshape(place, 1, -1)
	seen := func(image torch.Tensor) torch.Tensor { // weights of pixel from, whose image is at image
		away := s.Clamp(s.Abs(s.Sub(image, to)), 0, float64(half+1))
		index := s.To(s.Reshape(away, -1), torch.Options{DType: gotch.Int64, Device: b.device})
		return s.IndexSelect(kernels, 1, index)
	}
	sum := seen(from)
	beyond := s.Full(float64(-half-1), b.float())
	inner := s.Mul(
		from,
		s.AddScalar(s.Neg(from), float64(last)),
	) // 0 at both borders, which are their own mirror images
	turns := int64(math.Ceil(float64(half)/float64(2*last))) + 1
	for k := -turns; k <= turns; k++ {
		period := float64(2 * last * k)
		if gap := 2*last*abs(k) - last; k != 0 && gap <= half {
			sum = s.Add(sum, seen(s.AddScalar(from, period)))
		}
		if gap := max(0, 2*last*k-2*last, -2*last*k); gap <= half { // at period-last to period
			mirrored := s.AddScalar(s.Neg(from), period)
			sum = s.Add(sum, seen(s.Where(s.Gt(inner, s.ZerosLike(inner)), mirrored, beyond)))
		}
	}
	return s.Reshape(sum, -1, size, size)
}

func abs(x int64) int64 { return max(x, -x) }
