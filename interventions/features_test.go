package interventions_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/icl-msr/icl-msr/interventions"
	"github.com/icl-msr/icl-msr/transforms"
)

// paint gives one colour to all pixels for which f is true.
func paint(m transforms.Image, colour [3]uint8, f func(x, y int) bool) {
	for i := range m.Width * m.Height {
		if f(i%m.Width, i/m.Width) {
			copy(m.Pix[3*i:3*i+3], colour[:])
		}
	}
}

func TestBorderFeatures(t *testing.T) {
	m := transforms.NewImage(32, 24)
	paint(m, [3]uint8{255, 51, 102}, func(int, int) bool { return true })
	f := interventions.BorderFeatures(m)
	assert.Len(t, f, interventions.FeatureLength)
	assert.InDeltaSlice(t, []float64{3 * 408. / 765, 3 * 0.8, 3 * 0.2, 0, 0, 0}, f[:6], 1e-6, "means, and no deviation")
	sum := 0.0
	for _, v := range f[6:] {
		assert.GreaterOrEqual(t, v, 0.0)
		sum += v
	}
	assert.InDelta(t, 1, sum, 1e-12, "a histogram")
	// Pixels more than 3 pixels (24/8) from the border do not count.
	paint(m, [3]uint8{0, 255, 0}, func(x, y int) bool { return x >= 3 && y >= 3 && x < 29 && y < 21 })
	assert.Equal(t, f, interventions.BorderFeatures(m))
	// For half black and half white, the deviation of lightness is 1/2.
	paint(m, [3]uint8{}, func(int, int) bool { return true })
	paint(m, [3]uint8{255, 255, 255}, func(x, _ int) bool { return x < 16 })
	f = interventions.BorderFeatures(m)
	assert.InDeltaSlice(t, []float64{1.5, 0, 0, 1, 0, 0}, f[:6], 1e-6)
	bins := f[6:]
	middle := 2*5 + 2 // no colour
	assert.InDelta(t, 0.5, bins[middle], 1e-6)
	assert.InDelta(t, 0.5, bins[3*25+middle], 1e-6)
}

// A slightly brighter picture has slightly different features, because bins overlap.
func TestBorderFeaturesAreContinuous(t *testing.T) {
	of := func(v uint8) []float64 {
		m := transforms.NewImage(16, 16)
		paint(m, [3]uint8{v, v / 2, 255 - v}, func(int, int) bool { return true })
		return interventions.BorderFeatures(m)
	}
	for v := range uint8(254) {
		d, a := 0.0, of(v)
		for k, x := range of(v + 1) {
			d += (x - a[k]) * (x - a[k])
		}
		assert.Less(t, math.Sqrt(d), 0.08, "from %d on", v)
	}
}
