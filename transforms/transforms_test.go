package transforms_test

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/icl-msr/icl-msr/transforms"
)

func noise(w, h int, seed uint64) transforms.Image {
	rng := rand.New(rand.NewPCG(seed, 0))
	m := transforms.NewImage(w, h)
	for i := range m.Pix {
		m.Pix[i] = uint8(rng.UintN(256))
	}
	return m
}

func rng(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 1)) }

func TestFlipTwiceAndFullCropAreIdentities(t *testing.T) {
	m := noise(7, 5, 1)
	f := m.Clone()
	transforms.HorizontalFlip(f)
	assert.NotEqual(t, m, f)
	transforms.HorizontalFlip(f)
	assert.Equal(t, m, f)
	for _, filter := range []transforms.Filter{transforms.Bilinear, transforms.Bicubic} {
		assert.Equal(t, m, transforms.ResizedCrop(m, transforms.Box{Width: 7, Height: 5}, 7, 5, filter))
	}
}

func TestColourFactorsOfOneAndZero(t *testing.T) {
	m := noise(9, 4, 2)
	for name, op := range map[string]func(transforms.Image, float64){"brightness": transforms.Brightness,
		"contrast": transforms.Contrast, "saturation": transforms.Saturation} {
		same := m.Clone()
		op(same, 1)
		assert.Equal(t, m, same, name)
	}
	gray, none := m.Clone(), m.Clone()
	transforms.Grayscale(gray)
	transforms.Saturation(none, 0)
	assert.Equal(t, gray, none)
	transforms.Contrast(none, 0)
	for _, v := range none.Pix {
		require.Equal(t, none.Pix[0], v, "contrast 0 is one gray")
	}
}

func TestPipelineWithoutChanceIsPlain(t *testing.T) {
	p := transforms.CIFAR()
	p.View.JitterP, p.View.GrayP, p.View.FlipP, p.View.Scale, p.View.Ratio = 0, 0, 0, [2]float64{1, 1}, [2]float64{1, 1}
	m := noise(32, 32, 3)
	a, b := make([]float32, 3*32*32), make([]float32, 3*32*32)
	var s transforms.Scratch
	require.NoError(t, p.View.Apply(a, transforms.Whole(m), rng(1), &s))
	require.NoError(t, p.Plain.Apply(b, transforms.Whole(m), nil, &s))
	assert.Equal(t, b, a)
	assert.InDelta(t, (float64(m.Pix[1])/255-0.4822)/0.1994, a[32*32], 1e-5, "channel by channel")
}

// CIFAR-100 has CIFAR-10's views, and its own statistics.
func TestCIFAR100HasItsOwnStatistics(t *testing.T) {
	p, ten := transforms.CIFAR100(), transforms.CIFAR()
	m, x := noise(32, 32, 3), make([]float32, 3*32*32)
	var s transforms.Scratch
	require.NoError(t, p.Plain.Apply(x, transforms.Whole(m), nil, &s))
	for channel, of := range [][2]float64{{0.5071, 0.2675}, {0.4867, 0.2565}, {0.4408, 0.2761}} {
		assert.InDelta(t, (float64(m.Pix[channel])/255-of[0])/of[1], x[channel*32*32], 1e-5, "channel %d", channel)
	}
	assert.Equal(t, p.Plain.Norm, p.View.Norm)
	ten.View.Norm = p.View.Norm
	assert.Equal(t, ten.View, p.View)
}

func TestSameSeedSameView(t *testing.T) {
	for name, p := range map[string]transforms.Preset{"CIFAR": transforms.CIFAR(), "STL10": transforms.STL10(),
		"TinyImageNet": transforms.TinyImageNet(), "ImageNet": transforms.ImageNet().WithSize(48)} {
		require.NoError(t, p.View.Validate(), name)
		m, n := noise(60, 50, 4), 3*p.View.Size*p.View.Size
		a, b, c := make([]float32, n), make([]float32, n), make([]float32, n)
		var s1, s2 transforms.Scratch
		require.NoError(t, p.View.Apply(c, transforms.Whole(m), rng(8), &s1)) // dirties the scratch
		require.NoError(t, p.View.Apply(a, transforms.Whole(m), rng(7), &s1))
		require.NoError(t, p.View.Apply(b, transforms.Whole(m), rng(7), &s2))
		assert.Equal(t, a, b, name)
		assert.NotEqual(t, a, c, name)
		require.NoError(t, p.Plain.Apply(a, transforms.Whole(m), nil, &s1), name)
	}
}

func TestValidateNamesTheSetting(t *testing.T) {
	for want, change := range map[string]func(*transforms.Pipeline){
		"probability 1.5 of flip": func(p *transforms.Pipeline) { p.FlipP = 1.5 },
		"crop scale":              func(p *transforms.Pipeline) { p.Scale = [2]float64{0.5, 0.2} },
		"crop ratio":              func(p *transforms.Pipeline) { p.Ratio = [2]float64{0, 1} },
		"views of 0 pixels":       func(p *transforms.Pipeline) { p.Size = 0 },
		"colour jitter":           func(p *transforms.Pipeline) { p.Jitter.Hue = 0.6 },
		"blur of 4 pixels":        func(p *transforms.Pipeline) { p.BlurP, p.BlurKernel = 1, 4 },
		"normalisation":           func(p *transforms.Pipeline) { p.Norm.Std[1] = 0 },
	} {
		p := transforms.CIFAR().View
		change(&p)
		assert.ErrorContains(t, p.Validate(), want)
	}
	p := transforms.CIFAR().View
	var s transforms.Scratch
	assert.ErrorContains(
		t,
		p.Apply(nil, transforms.Whole(transforms.Image{Width: 2, Height: 2}), rng(1), &s),
		"a picture of 2x2 pixels with 0 bytes",
	)
	assert.ErrorContains(t, p.Apply(make([]float32, 5), transforms.Whole(noise(4, 4, 1)), rng(1), &s), "into 5 numbers")
}

func TestNoAllocationInSteadyState(t *testing.T) {
	p := transforms.CIFAR().View
	m, dst, r := noise(32, 32, 5), make([]float32, 3*32*32), rng(2)
	var s transforms.Scratch
	for range 50 {
		require.NoError(t, p.Apply(dst, transforms.Whole(m), r, &s))
	}
	assert.Less(t, testing.AllocsPerRun(100, func() { _ = p.Apply(dst, transforms.Whole(m), r, &s) }), 4.0)
}

func FuzzApply(f *testing.F) {
	f.Add(uint16(1), uint16(9), uint64(1))
	f.Add(uint16(3), uint16(500), uint64(2))
	f.Add(uint16(32), uint16(32), uint64(3))
	presets := []transforms.Preset{transforms.CIFAR(), transforms.STL10(), transforms.ImageNet().WithSize(20)}
	f.Fuzz(func(t *testing.T, w, h uint16, seed uint64) {
		m := noise(int(w)%600+1, int(h)%600+1, seed)
		p := presets[seed%3]
		dst := make([]float32, 3*p.View.Size*p.View.Size)
		var s transforms.Scratch
		require.NoError(t, p.View.Apply(dst, transforms.Whole(m), rng(seed), &s))
		for _, v := range dst {
			require.True(t, v > -4 && v < 4)
		}
		require.NoError(t, p.Plain.Apply(dst, transforms.Whole(m), nil, &s))
	})
}

func benchmark(b *testing.B, p transforms.Pipeline, m transforms.Image) {
	dst, r := make([]float32, 3*p.Size*p.Size), rng(1)
	var s transforms.Scratch
	for b.Loop() {
		if err := p.Apply(dst, transforms.Whole(m), r, &s); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCIFARView(b *testing.B) { benchmark(b, transforms.CIFAR().View, noise(32, 32, 1)) }
func BenchmarkImageNetView(b *testing.B) {
	benchmark(b, transforms.ImageNet().View, noise(500, 375, 1))
}
