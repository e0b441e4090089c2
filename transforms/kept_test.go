package transforms

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/sugarme/gotch"

	"github.com/icl-msr/icl-msr/torch"
)

// planar returns pictures of one size as a device keeps them.
func planar(s *torch.Scope, pictures []Image) torch.Tensor {
	var pix []uint8
	for _, m := range pictures {
		pix = append(pix, m.Pix...)
	}
	x := torch.FromSlice(
		s,
		pix,
		gotch.CPU,
		int64(len(pictures)),
		int64(pictures[0].Height),
		int64(pictures[0].Width),
		3,
	)
	return s.Contiguous(s.Transpose(s.Transpose(x, 1, 3), 2, 3))
}

// Views of kept pictures equal those of pictures that the host sends, to the bit. If the pipeline crops
// first, they are equal up to rounding, since the host then crops what it sends.
func TestViewsOfKeptPicturesAreThoseOfPicturesSent(t *testing.T) {
	pictures := realPictures(t, 48)
	for name, p := range map[string]Pipeline{"CIFAR": CIFAR().View, "ImageNet": ImageNet().WithSize(32).View} {
		p.BlurP, p.BlurKernel, p.BlurSigma, p.SolarizeP = 0.5, 5, [2]float64{0.1, 2}, 0.3
		var sent, kept Staged
		var b Scratch
		for round := range 3 {
			sent.Reset()
			kept.Reset()
			for i, m := range pictures {
				generator := func() *rand.Rand { return rand.New(rand.NewPCG(uint64(i), uint64(round))) }
				require.NoError(t, p.Stage(&sent, Whole(m), generator(), &b))
				p.StageKept(&kept, m.Width, m.Height, generator())
			}
			assert.Equal(t, sent.Params, kept.Params, name)
			assert.Empty(t, kept.Pix)
			require.NoError(t, torch.With(func(s *torch.Scope) error {
				want := torch.Slice[float32](s, s.Contiguous(p.Finish(s, &sent, gotch.CPU)))
				got := torch.Slice[float32](s, s.Contiguous(p.FinishKept(s, &kept, planar(s, pictures))))
				require.NoError(t, s.Err())
				if !p.CropFirst {
					assert.Equal(t, want, got, name)
				}
				far := 0
				for k := range want {
					require.InDelta(t, want[k], got[k], 6/(255*p.Norm.Std[0]), name)
					if math.Abs(float64(want[k]-got[k])) > 1e-3 {
						far++
					}
				}
				assert.Less(t, float64(far)/float64(len(want)), 2e-3, name)
				return s.Err()
			}))
		}
	}
	assert.ErrorContains(t, torch.With(func(s *torch.Scope) error {
		p := CIFAR().View
		p.FinishKept(s, &Staged{}, planar(s, pictures))
		return s.Err()
	}), "parameters of 0 views for 3 pictures")
}

// Plain pictures from kept ones equal those of Apply up to float32's rounding, or within a grey level if
// they are resized.
func TestPlainPicturesOfKeptOnes(t *testing.T) {
	for name, c := range map[string]struct {
		plain Plain
		size  int
		share float64
	}{
		"as they are": {CIFAR().Plain, 32, 0},
		"resized":     {CIFAR().Plain, 48, 1e-3},
		"cut":         {STL10().Plain, 96, 1e-3},
		"in Lab":      {CIFAR().Lab().Plain, 32, 0},
	} {
		pictures := realPictures(t, c.size)
		var want []float32
		var b Scratch
		for _, m := range pictures {
			x := make([]float32, 3*c.plain.Size*c.plain.Size)
			require.NoError(t, c.plain.Apply(x, Whole(m), nil, &b))
			want = append(want, x...)
		}
		require.NoError(t, torch.With(func(s *torch.Scope) error {
			x := c.plain.FinishKept(s, planar(s, pictures))
			size := int64(c.plain.Size)
			assert.Equal(t, []int64{int64(len(pictures)), 3, size, size}, s.Shape(x), name)
			got := torch.Slice[float32](s, s.Contiguous(x))
			require.NoError(t, s.Err())
			far := 0
			for k := range want {
				require.InDelta(t, want[k], got[k], 1.1/(255*c.plain.Norm.Std[0]), name)
				if math.Abs(float64(want[k]-got[k])) > 1e-4 {
					far++
				}
			}
			assert.LessOrEqual(t, float64(far)/float64(len(want)), c.share, name)
			return s.Err()
		}))
	}
}

// The device's matrices have the weights of single pictures, also for a blur wider than the picture.
func TestMatricesOfBlursAndCrops(t *testing.T) {
	const half = 11
	p := Pipeline{Size: 8, BlurKernel: 2*half + 1, Filter: Bicubic}
	for _, size := range []int{1, 2, 3, 7, 12, 24} {
		params := []Params{
			{BlurSigma: 0.4, Box: Box{Width: size, Height: size}},
			{BlurSigma: 9, Box: Box{Width: (size + 1) / 2, Height: size, Left: size / 2}},
		}
		require.NoError(t, torch.With(func(s *torch.Scope) error {
			b := p.batched(s, params, gotch.CPU)
			blur := s.Expand(
				b.kernels(b.at(b.single, b.params.kernels, -1, half+2), int64(size)),
				2,
				int64(size),
				int64(size),
			)
			got := torch.Slice[float32](s, s.Contiguous(blur))
			box := func(k int) torch.Tensor { return b.at(b.double, b.params.box[k], -1, 1, 1) }
			crop := torch.Slice[float32](s, s.Contiguous(b.filter(box(0), box(2), int64(size), 8, Bicubic)))
			require.NoError(t, s.Err())
			var g blurrer
			var h taps
			for i, c := range params {
				g.prepare(half, c.BlurSigma)
				want := make([]float32, size*size)
				for to := range size {
					for k := 1 - len(g.kernel); k < len(g.kernel); k++ {
						want[reflect(to+k, size)*size+to] += g.kernel[max(k, -k)]
					}
				}
				assert.InDeltaSlice(t, want, got[i*size*size:(i+1)*size*size], 1e-5, "size %d", size)
				h.prepare(newSpan(float64(c.Box.Left), float64(c.Box.Width), size), 8, Bicubic)
				want = make([]float32, size*8)
				for k, low := range h.from {
					for j := range h.count[k] {
						want[(c.Box.Left+low+j)*8+k] = float32(h.coeff[k*h.width+j]) / (1 << precision)
					}
				}
				assert.InDeltaSlice(t, want, crop[i*size*8:(i+1)*size*8], 2.0/(1<<precision), "size %d", size)
			}
			return s.Err()
		}))
	}
}
