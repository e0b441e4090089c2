package interventions

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"sync"

	"github.com/icl-msr/icl-msr/datasets"
	"github.com/icl-msr/icl-msr/transforms"
)

// Numbers of bins of the histogram in BorderFeatures, for lightness, red against green, and yellow against blue.
const (
	lightBins  = 4
	colourBins = 5
)

// FeatureLength is the length of BorderFeatures.
const FeatureLength = 6 + lightBins*colourBins*colourBins

// BorderFeatures describes the background of m by the picture's border, whose width is an eighth of the shorter side.
// The features are the means and standard deviations of the opponent colours (lightness, red against green, yellow
// against blue) and their joint histogram. Each pixel is shared among neighbouring bins, so that small changes of
// colour make small changes of features. Entries are of order 1, so that Euclidean distances compare pictures.
func BorderFeatures(m transforms.Image) []float64 {
	f := make([]float64, FeatureLength)
	n := 0.0
	frame(m, max(1, min(m.Width, m.Height)/8), func(i int) {
		p := m.Pix[3*i : 3*i+3]
		r, g, b := float64(p[0])/255, float64(p[1])/255, float64(p[2])/255
		axes := [3]float64{(r + g + b) / 3, r - g, (r+g)/2 - b}
		n++
		for c, v := range axes {
			f[c] += v
			f[3+c] += v * v
		}
		// Opponent axes range from -1 to 1, and most colours lie between -1/2 and 1/2.
		addToBins(f[6:], axes[0], 0.5+axes[1], 0.5+axes[2])
	})
	for k := range f {
		f[k] /= n
	}
	for c := range 3 {
		f[3+c] = 2 * math.Sqrt(max(0, f[3+c]-f[c]*f[c]))
		f[c] *= 3
	}
	return f
}

// addToBins adds 1 to a histogram, shared among the 8 bins around (x, y, z). Coordinates range from 0 to 1.
func addToBins(bins []float64, x, y, z float64) {
	i, s := binOf(x, lightBins)
	j, t := binOf(y, colourBins)
	k, u := binOf(z, colourBins)
	for a, wa := range [2]float64{1 - s, s} {
		for b, wb := range [2]float64{1 - t, t} {
			for c, wc := range [2]float64{1 - u, u} {
				if w := wa * wb * wc; w > 0 {
					bins[((i+a)*colourBins+j+b)*colourBins+k+c] += w
				}
			}
		}
	}
}

// binOf returns the lower of the two bins, of n, that are nearest to v in [0, 1], and the share of the upper one.
func binOf(v float64, n int) (int, float64) {
	at := min(1, max(0, v)) * float64(n-1)
	i := min(n-2, int(at))
	return i, at - float64(i)
}

// AllBorderFeatures computes the BorderFeatures of all pictures of ds. workers is the number of goroutines that read
// pictures; 0 means one for each core.
func AllBorderFeatures(ctx context.Context, ds datasets.Dataset, workers int) ([][]float64, error) {
	if workers < 1 {
		workers = runtime.GOMAXPROCS(0)
	}
	out, errs := make([][]float64, ds.Len()), make([]error, workers)
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for i := w; i < len(out); i += workers {
				m, err := ds.Image(i)
				if err == nil {
					err = ctx.Err()
				}
				if err != nil {
					errs[w] = fmt.Errorf("picture %s: %w", datasets.PictureName(ds, i), err)
					return
				}
				out[i] = BorderFeatures(m)
			}
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}
