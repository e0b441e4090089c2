package torchscript_test

import (
	"math"
	"math/rand/v2"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/sugarme/gotch"

	"github.com/icl-msr/icl-msr/nets"
	"github.com/icl-msr/icl-msr/torch"
	"github.com/icl-msr/icl-msr/torchscript"
	"github.com/icl-msr/icl-msr/transforms"
)

// drawn makes pictures of smooth colours with some noise.
func drawn(n, width, height int) (pictures []transforms.Image) {
	rng := rand.New(rand.NewPCG(1, 2))
	for k := range n {
		m := transforms.Image{Width: width, Height: height, Pix: make([]byte, 3*width*height)}
		for i := range m.Pix {
			x, y := float64(i/3%width), float64(i/3/width)
			m.Pix[i] = byte(127 + 90*math.Sin(0.1*x*float64(k+1)+float64(i%3))*math.Cos(0.07*y) + 30*rng.Float64())
		}
		pictures = append(pictures, m)
	}
	return pictures
}

// On uint8 pictures the preprocessing in TorchScript equals transforms.Plain, except for ties of roundings. On
// floating-point pictures nothing is rounded.
func TestPreprocessIsPlain(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	norm := transforms.CIFAR().Plain.Norm
	for name, c := range map[string]struct {
		plain         transforms.Plain
		width, height int
		levels        float64
	}{
		"as it is":       {transforms.Plain{Size: 32, Norm: norm}, 32, 32, 1e-3},
		"squashed":       {transforms.Plain{Size: 32, Norm: norm}, 50, 41, 1.01},
		"enlarged":       {transforms.Plain{Size: 40, Norm: norm}, 20, 24, 2.01},
		"cut":            {transforms.Plain{Size: 56, Resize: 64, Norm: norm}, 100, 81, 1.01},
		"cut only":       {transforms.Plain{Size: 56, Resize: 64, Norm: norm}, 64, 64, 1e-3},
		"cut, enlarged":  {transforms.Plain{Size: 40, Resize: 32, Norm: norm}, 61, 90, 2.01},
		"L, a and b":     {transforms.CIFAR().Lab().Plain, 32, 32, 1e-2},
		"ImageNet's way": {transforms.ImageNet().Plain, 300, 260, 1.01},
	} {
		t.Run(name, func(t *testing.T) {
			p := c.plain
			path := filepath.Join(t.TempDir(), "pre.pt")
			before := torchscript.Preprocess{
				Size:   p.Size,
				Resize: p.Resize,
				Mean:   p.Norm.Mean,
				Std:    p.Norm.Std,
				Lab:    p.Norm.Lab,
			}
			require.NoError(t, torchscript.WriteScriptFile(path, nets.Graph{}, nil, nil, &before))
			m, err := torch.LoadScript(path, gotch.CPU)
			require.NoError(t, err)
			pictures := drawn(3, c.width, c.height)
			var scratch transforms.Scratch
			var want []float32
			var bytes []uint8
			for _, q := range pictures {
				out := make([]float32, 3*p.Size*p.Size)
				require.NoError(t, p.Apply(out, transforms.Whole(q), nil, &scratch))
				want = append(want, out...)
				for channel := range 3 {
					for i := channel; i < len(q.Pix); i += 3 {
						bytes = append(bytes, q.Pix[i])
					}
				}
			}
			s := torch.NewScope()
			defer func() { require.NoError(t, s.Close()) }()
			x := torch.FromSlice(s, bytes, gotch.CPU, 3, 3, int64(c.height), int64(c.width))
			unit := s.MulScalar(s.To(x, torch.Float32()), 1./255)
			for kind, input := range map[string]torch.Tensor{"uint8": x, "float": unit} {
				y := s.Run(m, nil, nil, input, false, false)
				require.NoError(t, s.Err())
				require.Equal(t, []int64{3, 3, int64(p.Size), int64(p.Size)}, s.Shape(y))
				off, worst := 0, 0.0
				for i, v := range torch.Slice[float32](s, y) {
					level := 1 / 255. / p.Norm.Std[i/(p.Size*p.Size)%3]
					if p.Norm.Lab {
						level *= 255
					}
					d := math.Abs(float64(v-want[i])) / level
					worst = max(worst, d)
					if d > 0.5 {
						off++
					}
				}
				if kind == "float" { // it is not rounded to levels
					assert.LessOrEqual(t, worst, c.levels+0.5)
					continue
				}
				assert.LessOrEqual(t, worst, c.levels)
				assert.Less(t, float64(off), 0.01*float64(len(want)), "a level off only where a rounding is a tie")
			}
		})
	}
}
