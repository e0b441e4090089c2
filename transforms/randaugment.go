package transforms

import (
	"fmt"
	"math"
	"math/rand/v2"
)

// RandAugment (Cubuk et al. 2020, arXiv 1909.13719) with timm's table of operations, which InfoMin used.
// It draws Operations operations and applies each with probability 1/2. The strength is drawn from
// N(Strength, Deviation²), out of 10.
type RandAugment struct {
	Operations          int // 0: no RandAugment
	Strength, Deviation float64
}

func (r RandAugment) validate() error {
	if r.Operations < 0 || !(r.Strength >= 0 && r.Strength <= 10) || !(r.Deviation >= 0) {
		return fmt.Errorf(
			"transforms: RandAugment of %d operations at strength %g ± %g; want 0 to 10",
			r.Operations,
			r.Strength,
			r.Deviation,
		)
	}
	return nil
}

// sample draws operations and appends those to be applied to ops.
func (r RandAugment) sample(rng *rand.Rand, ops []randOp) []randOp {
	for range r.Operations {
		k, skip := rng.IntN(len(randTable)), rng.Float64() < 0.5
		level := min(1, max(0, (r.Strength+r.Deviation*rng.NormFloat64())/10))
		sign := float64(1 - 2*rng.IntN(2))
		if !skip {
			ops = append(ops, randOp{k, level, sign})
		}
	}
	return ops
}

// randTable has the operations. level is the strength over 10, sign is 1 or -1.
var randTable = [...]func(m Image, level, sign float64, b *Scratch){
	func(m Image, _, _ float64, _ *Scratch) { AutoContrast(m) },
	func(m Image, _, _ float64, _ *Scratch) { Equalize(m) },
	func(m Image, _, _ float64, _ *Scratch) { Invert(m) },
	func(m Image, level, sign float64, b *Scratch) { b.affine(m, rotation(m, sign*30*level)) },
	func(m Image, level, _ float64, _ *Scratch) { Posterize(m, int(4*level)) },
	func(m Image, level, _ float64, _ *Scratch) {
		if t := int(256 * level); t < 256 {
			Solarize(m, uint8(t))
		}
	},
	func(m Image, level, _ float64, _ *Scratch) { SolarizeAdd(m, uint8(110*level)) },
	func(m Image, level, _ float64, _ *Scratch) { Saturation(m, 1.8*level+0.1) },
	func(m Image, level, _ float64, _ *Scratch) { Contrast(m, 1.8*level+0.1) },
	func(m Image, level, _ float64, _ *Scratch) { Brightness(m, 1.8*level+0.1) },
	func(m Image, level, _ float64, b *Scratch) { b.sharpness(m, 1.8*level+0.1) },
	func(m Image, level, sign float64, b *Scratch) {
		b.affine(m, [6]float64{1, sign * 0.3 * level, 0, 0, 1, 0})
	},
	func(m Image, level, sign float64, b *Scratch) {
		b.affine(m, [6]float64{1, 0, 0, sign * 0.3 * level, 1, 0})
	},
	func(m Image, level, sign float64, b *Scratch) {
		b.affine(m, [6]float64{1, 0, sign * 0.45 * level * float64(m.Width), 0, 1, 0})
	},
	func(m Image, level, sign float64, b *Scratch) {
		b.affine(m, [6]float64{1, 0, 0, 0, 1, sign * 0.45 * level * float64(m.Height)})
	},
}

// channels maps the bytes of each channel by a table that depends on the channel's histogram.
func channels(m Image, table func(histogram *[256]int) [256]uint8) {
	for c := range 3 {
		var histogram [256]int
		for i := c; i < len(m.Pix); i += 3 {
			histogram[m.Pix[i]]++
		}
		t := table(&histogram)
		for i := c; i < len(m.Pix); i += 3 {
			m.Pix[i] = t[m.Pix[i]]
		}
	}
}

func identity() (t [256]uint8) {
	for v := range t {
		t[v] = uint8(v)
	}
	return t
}

// AutoContrast stretches each channel of m to 0 to 255, in place.
func AutoContrast(m Image) {
	channels(m, func(h *[256]int) [256]uint8 {
		t, low, high := identity(), 0, 255
		for low < 256 && h[low] == 0 {
			low++
		}
		for high >= 0 && h[high] == 0 {
			high--
		}
		if high <= low {
			return t
		}
		scale := 255 / float64(high-low)
		for v := range t {
			t[v] = uint8(max(0, min(255, int(float64(v)*scale-float64(low)*scale))))
		}
		return t
	})
}

// Equalize equalizes the histogram of each channel of m, in place.
func Equalize(m Image) {
	channels(m, func(h *[256]int) [256]uint8 {
		t, total, last, kinds := identity(), 0, 0, 0
		for _, n := range h {
			if n > 0 {
				last = n
				kinds++
			}
			total += n
		}
		step := (total - last) / 255
		if kinds <= 1 || step == 0 {
			return t
		}
		n := step / 2
		for v := range t {
			t[v] = uint8(min(255, n/step))
			n += h[v]
		}
		return t
	})
}

// Invert replaces each byte v of m by 255-v, in place.
func Invert(m Image) { Solarize(m, 0) }

// Posterize keeps the highest bits of each byte of m, in place.
func Posterize(m Image, bits int) {
	mask := uint8(0xff << (8 - max(0, min(8, bits))))
	for i := range m.Pix {
		m.Pix[i] &= mask
	}
}

// SolarizeAdd adds add to the bytes of m below 128, in place.
func SolarizeAdd(m Image, add uint8) {
	for i, v := range m.Pix {
		if v < 128 {
			m.Pix[i] = uint8(min(255, int(v)+int(add)))
		}
	}
}

// Sharpness blends m with the smoothed picture, in place. A factor of 0 gives the smoothed picture, 1 the
// picture as it is.
func Sharpness(m Image, factor float64) { new(Scratch).sharpness(m, factor) }

func (b *Scratch) sharpness(m Image, factor float64) {
	src := b.image(&b.rand, m.Width, m.Height)
	copy(src.Pix, m.Pix)
	row := 3 * m.Width
	for y := 1; y < m.Height-1; y++ {
		for i := y*row + 3; i < (y+1)*row-3; i++ {
			sum := 4 * int(src.Pix[i])
			for _, d := range [3]int{-row, 0, row} {
				sum += int(src.Pix[i+d-3]) + int(src.Pix[i+d]) + int(src.Pix[i+d+3])
			}
			smooth := uint8(float32(sum)/13 + 0.5)
			m.Pix[i] = blend(smooth, src.Pix[i], float32(factor))
		}
	}
}

// Affine is PIL's affine Image.transform, in place and bilinear. The new pixel (x, y) is what was at
// (t0 x + t1 y + t2, t3 x + t4 y + t5), or gray if that is outside of m.
func Affine(m Image, t [6]float64) { new(Scratch).affine(m, t) }

// Rotate is PIL's Image.rotate, in place and bilinear: counter-clockwise about the centre. Pixels from
// outside of m are gray.
func Rotate(m Image, degrees float64) { Affine(m, rotation(m, degrees)) }

// rotation returns the affine map of Rotate.
func rotation(m Image, degrees float64) [6]float64 {
	sin, cos := math.Sincos(-degrees * math.Pi / 180)
	x, y := float64(m.Width)/2, float64(m.Height)/2
	return [6]float64{cos, sin, x - cos*x - sin*y, -sin, cos, y + sin*x - cos*y}
}

func (b *Scratch) affine(m Image, t [6]float64) {
	const outside = 128
	src := b.image(&b.rand, m.Width, m.Height)
	copy(src.Pix, m.Pix)
	w, h := m.Width, m.Height
	at := func(x, y int) []uint8 { return src.Pix[3*(min(h-1, max(0, y))*w+min(w-1, max(0, x))):] }
	for y := range h {
		for x := range w {
			px, py := float64(x)+0.5, float64(y)+0.5
			u, v := t[0]*px+t[1]*py+t[2], t[3]*px+t[4]*py+t[5]
			out := m.Pix[3*(y*w+x):]
			if u < 0 || v < 0 || u >= float64(w) || v >= float64(h) {
				out[0], out[1], out[2] = outside, outside, outside
				continue
			}
			left, top := math.Floor(u-0.5), math.Floor(v-0.5)
			dx, dy := u-0.5-left, v-0.5-top
			i, j := int(left), int(top)
			p, q, r, s := at(i, j), at(i+1, j), at(i, j+1), at(i+1, j+1)
			for c := range 3 {
				upper := float64(p[c]) + dx*(float64(q[c])-float64(p[c]))
				lower := float64(r[c]) + dx*(float64(s[c])-float64(r[c]))
				out[c] = uint8(upper + dy*(lower-upper))
			}
		}
	}
}
