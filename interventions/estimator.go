package interventions

import (
	"github.com/icl-msr/icl-msr/datasets"
	"github.com/icl-msr/icl-msr/internal/suggest"
	"github.com/icl-msr/icl-msr/transforms"
)

// Estimator finds the foreground of a picture from the picture alone.
type Estimator struct {
	Name, About string
	find        func(m transforms.Image, mask []uint8, b *Scratch)
}

// Estimators lists the estimators by name.
func Estimators() []Estimator {
	return []Estimator{
		{"border", "colours unlike all colours of the border, Otsu's threshold", findByBorder},
		{"barrier", "minimum barrier distance to the border (Zhang et al. 2015), Otsu's threshold", findByBarrier},
		{"regions", "regions that touch the border little (Zhu et al. 2014), Otsu's threshold", findByRegions},
		{"cut", "regions, refined by colour models and an outline that follows edges", findByCut},
	}
}

// EstimatorNamed returns the estimator with a name.
func EstimatorNamed(name string) (Estimator, error) {
	var names []string
	for _, e := range Estimators() {
		if e.Name == name {
			return e, nil
		}
		names = append(names, e.Name)
	}
	return Estimator{}, suggest.Unknown("mask estimator", name, names)
}

// workSide is the longest side at which masks are estimated. Larger pictures are shrunk first, and their masks are
// enlarged.
const workSide = 64

// Estimate returns the foreground of m.
func (e Estimator) Estimate(m transforms.Image, b *Scratch) datasets.Mask {
	width, height := m.Width, m.Height
	w, h := width, height
	if side := max(w, h); side > workSide {
		w, h = max(1, w*workSide/side), max(1, h*workSide/side)
		m = transforms.ResizedCrop(m, transforms.Box{Width: m.Width, Height: m.Height}, w, h, transforms.Bilinear)
	}
	mask := datasets.NewMask(w, h)
	e.find(m, mask.Pix, b)
	return resizeMask(mask, width, height)
}

// Scratch holds the buffers of an estimator. Its zero value is ready for use. Only one goroutine may use it at a time.
type Scratch struct {
	pixels                      []colour
	score                       []float32
	border                      []colour // findByBorder
	cells                       []cell
	stamp                       uint32
	values, high, low, barrier  []uint8  // findByBarrier
	segments                    segments // findByRegions
	regions                     []region
	place                       []int32   // index of a root's region
	fore, rest, prior, evidence []float32 // findByCut
	right, below                []float32
	front, back                 []gaussian
	some                        []colour
	someWeights                 []float32
}

func grow[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}
