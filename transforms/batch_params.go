package transforms

import (
	"github.com/sugarme/gotch"

	"github.com/icl-msr/icl-msr/torch"
)

// batchParams has the numbers that a batch of views needs on the device: random parameters, indices of the
// pictures that each operation changes, and constants. They are in one slice, so that one copy brings
// them there.
type batchParams struct {
	values []float64

	jitter                     [4][4]group // by place in the order and by operation
	gray, flip, blur, solarize group
	box                        [4]slot // left, top, width and height of the crops
	kernels                    slot    // a row for each blurred picture: half+1 weights from the middle on, and 0
	half                       int

	hues      slot // for each sector of the hue, which of v, a, b, c red, green and blue are
	mean, std slot
	lab       slot // conversion to Lab: two matrices and an offset
}

// slot is a range of the values.
type slot struct{ at, n int }

// group has the indices of the pictures that an operation changes, and the operation's number for each.
type group struct{ which, number slot }

func (q *batchParams) add(xs ...float64) slot {
	at := len(q.values)
	q.values = append(q.values, xs...)
	return slot{at, len(xs)}
}

// group adds the indices of the pictures for which chosen is true and, unless number is nil, a number for
// each of them.
func (q *batchParams) group(params []Params, chosen func(c *Params) bool, number func(c *Params) float64) (g group) {
	g.which.at = len(q.values)
	for i := range params {
		if chosen(&params[i]) {
			q.add(float64(i))
		}
	}
	g.which.n = len(q.values) - g.which.at
	g.number.at = len(q.values)
	for i := range params {
		if number != nil && chosen(&params[i]) {
			q.add(number(&params[i]))
		}
	}
	g.number.n = len(q.values) - g.number.at
	return g
}

// factors returns the factors of brightness, contrast, saturation and hue.
func (f *Factors) factors() [4]float64 {
	return [4]float64{f.Brightness, f.Contrast, f.Saturation, f.Hue}
}

// unchanged returns the factors that leave a picture as it is.
func unchanged() [4]float64 { return [4]float64{1, 1, 1, 0} }

// addAll adds the parameters of each picture.
func (q *batchParams) addAll(cs []Params, p *Pipeline) {
	for place := range 4 {
		for k, none := range unchanged() {
			factor := func(c *Params) float64 { return c.Factors.factors()[k] }
			q.jitter[place][k] = q.group(cs, func(c *Params) bool {
				return c.Jitter && c.Factors.Order[place] == k && factor(c) != none
			}, factor)
		}
	}
	q.gray = q.group(cs, func(c *Params) bool { return c.Gray }, nil)
	q.flip = q.group(cs, func(c *Params) bool { return c.Flip }, nil)
	q.solarize = q.group(cs, func(c *Params) bool { return c.Solarize }, nil)
	for k := range q.box {
		q.box[k].at, q.box[k].n = len(q.values), len(cs)
		for i := range cs {
			b := cs[i].Box
			q.add(float64([4]int{b.Left, b.Top, b.Width, b.Height}[k]))
		}
	}
	q.blurs(cs, p.BlurKernel/2)
}

func (q *batchParams) blurs(cs []Params, half int) {
	q.blur = q.group(cs, func(c *Params) bool { return c.BlurSigma > 0 }, nil)
	q.half, q.kernels.at = half, len(q.values)
	var g blurrer
	for i := range cs {
		if cs[i].BlurSigma > 0 {
			g.prepare(half, cs[i].BlurSigma)
			row := make([]float64, half+2)
			for k, w := range g.kernel {
				row[k] = float64(w)
			}
			q.add(row...)
		}
	}
	q.kernels.n = len(q.values) - q.kernels.at
}

// constants adds the constants of the hue and of a normalisation.
func (q *batchParams) constants(n Normalization) {
	// There are seven sectors: a hue of 255 is in the first one again.
	q.hues = q.add(0, 3, 1, 2, 0, 1, 1, 0, 3, 1, 2, 0, 3, 1, 0, 0, 1, 2, 0, 3, 1)
	q.mean, q.std = q.add(n.Mean[:]...), q.add(n.Std[:]...)
	if n.Lab {
		q.lab = q.add( // to X, Y, Z over the white of D65; from their roots to L, a, b; offset of L, a, b
			0.412453/0.95047, 0.357580/0.95047, 0.180423/0.95047,
			0.212671, 0.715160, 0.072169,
			0.019334/1.08883, 0.119193/1.08883, 0.950227/1.08883,
			0, 116, 0, 500, -500, 0, 0, 200, -200,
			-16, 0, 0)
	}
}

// batched has the operations on pictures [n, 3, H, W] in float32 with values 0 to 255.
type batched struct {
	s      *torch.Scope
	device gotch.Device
	n      int // pictures
	params *batchParams
	// The plan's values on the device, in three types.
	double, single, whole torch.Tensor
}

// newBatched copies the numbers that write adds to the device.
func newBatched(s *torch.Scope, params []Params, device gotch.Device, write func(q *batchParams)) batched {
	b := batched{s: s, device: device, n: len(params), params: new(batchParams)}
	write(b.params)
	b.double = torch.Upload(s, b.params.values, device, int64(len(b.params.values)))
	b.single = s.To(b.double, b.float())
	b.whole = s.To(b.double, torch.Options{DType: gotch.Int64, Device: device})
	return b
}

// batched copies the parameters of a batch of views to the device.
func (p *Pipeline) batched(s *torch.Scope, params []Params, device gotch.Device) batched {
	return newBatched(s, params, device, func(q *batchParams) {
		q.addAll(params, p)
		q.constants(p.Norm)
	})
}

func (b batched) float() torch.Options {
	return torch.Options{DType: gotch.Float, Device: b.device}
}

// at returns the values of a slot in the given shape.
func (b batched) at(values torch.Tensor, p slot, shape ...int64) torch.Tensor {
	return b.s.Reshape(b.s.Narrow(values, 0, int64(p.at), int64(p.n)), shape...)
}

// where applies f to the pictures of g and leaves the others as they are. f also gets the numbers of g,
// [n, 1, 1, 1].
func (b batched) where(x torch.Tensor, g group, f func(y, number torch.Tensor) torch.Tensor) torch.Tensor {
	var number torch.Tensor
	if g.number.n > 0 {
		number = b.at(b.single, g.number, -1, 1, 1, 1)
	}
	switch g.which.n {
	case 0:
		return x
	case b.n:
		return f(x, number)
	}
	at := b.at(b.whole, g.which, -1)
	return b.s.IndexCopy(x, 0, at, f(b.s.IndexSelect(x, 0, at), number))
}
