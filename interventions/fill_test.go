package interventions_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/icl-msr/icl-msr/datasets"
	"github.com/icl-msr/icl-msr/interventions"
	"github.com/icl-msr/icl-msr/transforms"
)

func rng(i, v int) *rand.Rand { return rand.New(rand.NewPCG(uint64(i), uint64(v))) }

// gradient is a picture whose colours change linearly.
func gradient(w, h int) transforms.Image {
	m := transforms.NewImage(w, h)
	for i := range w * h {
		m.Pix[3*i], m.Pix[3*i+1], m.Pix[3*i+2] = uint8(40+4*(i%w)), uint8(200-3*(i/w)), uint8(100+i%w+i/w)
	}
	return m
}

func square(w, h, left, top, side int) datasets.Mask {
	m := datasets.NewMask(w, h)
	for y := top; y < top+side; y++ {
		for x := left; x < left+side; x++ {
			m.Pix[y*w+x] = 255
		}
	}
	return m
}

// The background behind an object is interpolated. The object's colours do not matter.
func TestFillInterpolatesTheBackground(t *testing.T) {
	for _, size := range [][2]int{{32, 32}, {33, 27}, {40, 31}} {
		w, h := size[0], size[1]
		want, mask := gradient(w, h), square(w, h, 12, 10, 9)
		m := want.Clone()
		for i, a := range mask.Pix {
			if a > 0 {
				m.Pix[3*i], m.Pix[3*i+1], m.Pix[3*i+2] = 255, 0, 255
			}
		}
		got, err := interventions.Fill(m, mask)
		require.NoError(t, err)
		for i := range want.Pix {
			if x, y := i/3%w, i/3/w; x < 11 || x > 21 || y < 9 || y > 19 {
				require.Equal(t, want.Pix[i], got.Pix[i], "the background stays")
			}
			require.InDelta(t, want.Pix[i], got.Pix[i], 20, "byte %d of %v", i, size)
		}
	}
}

func TestFillWithoutForegroundOrBackground(t *testing.T) {
	m := gradient(16, 16)
	same, err := interventions.Fill(m, datasets.NewMask(16, 16))
	require.NoError(t, err)
	assert.Equal(t, m, same)
	_, err = interventions.Fill(m, square(16, 16, 0, 0, 16))
	assert.ErrorContains(t, err, "it has no background")
	_, err = interventions.Fill(m, datasets.NewMask(16, 15))
	assert.ErrorContains(t, err, "a mask of 16x15 pixels for a picture of 16x16")
}

// A filled background does not show its object: an estimator's mask of it overlaps the object no more than its mask of
// another picture does.
func TestFilledBackgroundsAreFreeOfTheirObject(t *testing.T) {
	ds := drawn(t, datasets.Options{Count: 150, Correlation: 0.5, Seed: 1})
	e, err := interventions.EstimatorNamed("cut")
	require.NoError(t, err)
	var b interventions.Scratch
	before, own, other := 0.0, 0.0, 0.0
	for i := range 150 {
		m, err := ds.Image(i)
		require.NoError(t, err)
		mask, err := datasets.MaskOf(ds, i)
		require.NoError(t, err)
		strange, err := datasets.MaskOf(ds, (i+10)%150) // of the same class
		require.NoError(t, err)
		filled, err := interventions.Fill(m, mask)
		require.NoError(t, err)
		found := e.Estimate(filled, &b)
		before += interventions.IoU(e.Estimate(m, &b), mask) / 150
		own, other = own+interventions.IoU(found, mask)/150, other+interventions.IoU(found, strange)/150
	}
	t.Logf("overlap with the object: %.3f; once filled %.3f, of another object %.3f", before, own, other)
	assert.Greater(t, before, 0.9)
	assert.Less(t, math.Abs(own-other), 0.15)
}
