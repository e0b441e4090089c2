package transforms_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/icl-msr/icl-msr/transforms"
)

// The values come from skimage.color.rgb2lab.
func TestLabOfKnownColours(t *testing.T) {
	norm := transforms.Normalization{Std: [3]float64{1, 1, 1}, Lab: true}
	for _, c := range []struct {
		rgb [3]uint8
		lab []float64
	}{
		{[3]uint8{0, 0, 0}, []float64{0, 0, 0}},
		{[3]uint8{255, 255, 255}, []float64{100, -0.0025, 0.0046}},
		{[3]uint8{255, 0, 0}, []float64{53.2406, 80.0923, 67.2028}},
		{[3]uint8{0, 255, 0}, []float64{87.7351, -86.1830, 83.1795}},
		{[3]uint8{0, 0, 255}, []float64{32.2957, 79.1856, -107.8573}},
		{[3]uint8{3, 3, 3}, []float64{0.8225, -0.0001, 0.0001}}, // below both thresholds
	} {
		out := make([]float32, 3)
		require.NoError(t, norm.Write(out, transforms.Image{Width: 1, Height: 1, Pix: c.rgb[:]}))
		for k, v := range c.lab {
			assert.InDelta(t, v, out[k], 0.01, "%v", c.rgb)
		}
	}
}

func TestLabPresetKeepsTheWeakAndPlainPicturesInOneColourSpace(t *testing.T) {
	p := transforms.CIFAR().Lab()
	assert.True(t, p.View.Norm.Lab && p.Plain.Norm.Lab && p.Weak().Norm.Lab)
}
