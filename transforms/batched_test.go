package transforms

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/sugarme/gotch"

	"github.com/icl-msr/icl-msr/internal/devicetest"
	"github.com/icl-msr/icl-msr/torch"
)

// realPictures returns the pictures of the reference values, cropped and resized to one size.
func realPictures(t *testing.T, size int) (out []Image) {
	data, err := os.ReadFile("testdata/reference/transforms.json")
	require.NoError(t, err)
	var file struct {
		Pictures []struct {
			Width, Height int
			RGB           []byte
		}
	}
	require.NoError(t, json.Unmarshal(data, &file))
	for _, p := range file.Pictures {
		m := Image{p.Width, p.Height, p.RGB}
		side := min(m.Width, m.Height)
		out = append(out, ResizedCrop(m, Box{Width: side, Height: side}, size, size, Bicubic))
	}
	require.GreaterOrEqual(t, len(out), 3)
	return out
}

// apart compares an operation on single pictures with that on the batch. It returns the largest difference
// in grey levels and the share of bytes that differ.
func apart(
	t *testing.T,
	pictures []Image,
	p *Pipeline,
	params []Params,
	one func(m Image, c *Params),
	many func(b batched, x torch.Tensor) torch.Tensor,
) (worst, share float64) {
	size := pictures[0].Width
	var pix []uint8
	for _, m := range pictures {
		pix = append(pix, m.Pix...)
	}
	require.NoError(t, torch.With(func(s *torch.Scope) error {
		n := int64(len(pictures))
		device := devicetest.Device(t)
		x := s.To(
			torch.FromSlice(s, pix, device, n, int64(size), int64(size), 3),
			torch.Options{DType: gotch.Float, Device: device},
		)
		x = s.Contiguous(s.Transpose(s.Transpose(x, 1, 3), 2, 3))
		got := torch.Slice[float32](s, s.Contiguous(many(p.batched(s, params, device), x)))
		if s.Err() != nil {
			return s.Err()
		}
		different := 0
		for i, m := range pictures {
			want := m.Clone()
			one(want, &params[i])
			for c := range 3 {
				for k := range size * size {
					d := math.Abs(float64(want.Pix[3*k+c]) - float64(got[(i*3+c)*size*size+k]))
					if worst = max(worst, d); d > 0 {
						different++
					}
				}
			}
		}
		share = float64(different) / float64(len(got))
		return nil
	}))
	return worst, share
}

func TestBatchedOperationsAreThoseOfSinglePictures(t *testing.T) {
	pictures := realPictures(t, 40)
	noise := NewImage(40, 40)
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range noise.Pix {
		noise.Pix[i] = uint8(rng.UintN(256))
	}
	pictures = append(pictures, noise, NewImage(40, 40)) // all colours, and none
	params := make([]Params, len(pictures))
	p := CIFAR().View
	p.Size, p.BlurP, p.BlurKernel, p.BlurSigma = 40, 1, 5, [2]float64{0.1, 2}
	for i := range params {
		p.Sample(40, 40, rng, &params[i])
		params[i].Jitter, params[i].Gray = true, false
		params[i].Factors = Jitter{0.8, 0.8, 0.8, 0.5}.sample(rng)
	}
	column := func(b batched, of func(c *Params) float64) torch.Tensor {
		v := make([]float32, len(params))
		for i := range params {
			v[i] = float32(of(&params[i]))
		}
		return torch.FromSlice(b.s, v, gotch.CPU, int64(len(v)), 1, 1, 1)
	}
	for name, c := range map[string]struct {
		one          func(m Image, c *Params)
		many         func(b batched, x torch.Tensor) torch.Tensor
		worst, share float64
	}{
		"brightness": {func(m Image, c *Params) { Brightness(m, c.Factors.Brightness) },
			func(b batched, x torch.Tensor) torch.Tensor {
				return b.brightness(x, column(b, func(c *Params) float64 { return c.Factors.Brightness }))
			}, 0, 0},
		"contrast": {func(m Image, c *Params) { Contrast(m, c.Factors.Contrast) },
			func(b batched, x torch.Tensor) torch.Tensor {
				return b.contrast(x, column(b, func(c *Params) float64 { return c.Factors.Contrast }))
			}, 0, 0},
		"saturation": {func(m Image, c *Params) { Saturation(m, c.Factors.Saturation) },
			func(b batched, x torch.Tensor) torch.Tensor {
				return b.saturation(x, column(b, func(c *Params) float64 { return c.Factors.Saturation }))
			}, 0, 0},
		"hue": {func(m Image, c *Params) { Hue(m, c.Factors.Hue) },
			func(b batched, x torch.Tensor) torch.Tensor {
				return b.hue(x, column(b, func(c *Params) float64 { return c.Factors.Hue }))
			}, 1, 1e-4},
		"gray": {func(m Image, _ *Params) { Grayscale(m) },
			func(b batched, x torch.Tensor) torch.Tensor { return b.s.Expand(b.luma(x), b.s.Shape(x)...) }, 0, 0},
		"jitter": {func(m Image, c *Params) { c.Factors.apply(m) }, batched.colours, 2, 1e-3},
		"flip": {
			func(m Image, _ *Params) { HorizontalFlip(m) },
			func(b batched, x torch.Tensor) torch.Tensor { return b.flip(x) },
			0,
			0,
		},
		"solarize": {func(m Image, _ *Params) { Solarize(m, 128) },
			func(b batched, x torch.Tensor) torch.Tensor { return b.solarize(x, 128) }, 0, 0},
		"blur": {func(m Image, c *Params) { GaussianBlur(m, 5, c.BlurSigma) },
			func(b batched, x torch.Tensor) torch.Tensor { return b.blurs(x) }, 1, 1e-3},
		"crop": {func(m Image, c *Params) { copy(m.Pix, ResizedCrop(m, c.Box, 40, 40, Bicubic).Pix) },
			func(b batched, x torch.Tensor) torch.Tensor { return b.resizedCrops(x, &p) }, 1, 1e-3},
	} {
		worst, share := apart(t, pictures, &p, params, c.one, c.many)
		assert.LessOrEqual(t, worst, c.worst, name)
		assert.LessOrEqual(t, share, c.share, name)
	}
}

// With the same generator, Stage and Finish make the views of Apply.
func TestFinishMakesTheViewsOfApply(t *testing.T) {
	strong := func(p Preset) Pipeline {
		p.View.BlurP, p.View.BlurKernel, p.View.BlurSigma, p.View.SolarizeP = 0.5, 5, [2]float64{0.1, 2}, 0.3
		return p.View
	}
	pictures := realPictures(t, 48)
	for name, p := range map[string]Pipeline{
		"CIFAR":    strong(CIFAR()),
		"ImageNet": strong(ImageNet().WithSize(32)),
		"Lab":      strong(STL10().Lab()),
		"weak":     CIFAR().Weak(),
	} {
		require.NoError(t, p.CheckDevice(), name)
		size := 3 * p.Size * p.Size
		var st Staged
		var b Scratch
		var want []float32
		for round := range 3 {
			st.Reset()
			want = want[:0]
			for i, m := range pictures {
				generator := func() *rand.Rand { return rand.New(rand.NewPCG(uint64(i), uint64(round))) }
				view := make([]float32, size)
				require.NoError(t, p.Apply(view, Whole(m), generator(), &b))
				require.NoError(t, p.Stage(&st, Whole(m), generator(), &b))
				want = append(want, view...)
			}
			require.NoError(t, torch.With(func(s *torch.Scope) error {
				x := p.Finish(s, &st, devicetest.Device(t))
				assert.Equal(t, []int64{int64(len(pictures)), 3, int64(p.Size), int64(p.Size)}, s.Shape(x))
				got := torch.Slice[float32](s, s.Contiguous(x))
				require.NoError(t, s.Err())
				level, far := 1/(255*p.Norm.Std[0]), 0
				if p.Norm.Lab {
					level = 0.02
				}
				for k := range want {
					d := math.Abs(float64(want[k] - got[k]))
					require.Less(t, d, 6*level, "%s round %d", name, round)
					if d > 0.1*level {
						far++
					}
				}
				assert.Less(t, float64(far)/float64(len(want)), 2e-3, name)
				return s.Err()
			}))
		}
	}
}

func TestStageErrors(t *testing.T) {
	var st Staged
	var b Scratch
	rng := rand.New(rand.NewPCG(1, 1))
	p := CIFAR().View
	require.NoError(t, p.Stage(&st, Whole(NewImage(32, 32)), rng, &b))
	assert.ErrorContains(
		t,
		p.Stage(&st, Whole(NewImage(40, 32)), rng, &b),
		"pictures of 32x32 and of 40x32 pixels in one batch",
	)
	info := CIFAR().InfoMin()
	assert.ErrorContains(t, info.CheckDevice(), "RandAugment works picture by picture")
	assert.ErrorContains(t, torch.With(func(s *torch.Scope) error {
		p.Finish(s, &Staged{}, gotch.CPU)
		return s.Err()
	}), "no pictures")
}

func BenchmarkCIFARViewsInABatch(b *testing.B) {
	p, rng := CIFAR().View, rand.New(rand.NewPCG(1, 1))
	m := NewImage(32, 32)
	for i := range m.Pix {
		m.Pix[i] = uint8(rng.UintN(256))
	}
	var st Staged
	var scratch Scratch
	for b.Loop() {
		st.Reset()
		for range 256 {
			require.NoError(b, p.Stage(&st, Whole(m), rng, &scratch))
		}
		require.NoError(b, torch.With(func(s *torch.Scope) error {
			p.Finish(s, &st, gotch.CPU)
			return s.Err()
		}))
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(256*b.N), "µs/view")
}
