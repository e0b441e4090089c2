package eval

import (
	"fmt"
	"math"

	"github.com/sugarme/gotch"

	"github.com/icl-msr/icl-msr/torch"
)

// ForegroundShare tells how much of what embeddings have in common is due to the object, and how much to the
// background. Cosines are means over pairs:
//
//	Share = (Foreground - Unrelated) / ((Foreground - Unrelated) + (Background - Unrelated))
//
// An embedding of the object alone has 1, one of the background alone 0. No probe is fitted. (Xiao et al. 2020,
// arXiv:2006.09994, compare the same pictures by a classifier's accuracy.)
type ForegroundShare struct {
	Share      float64 `json:"share"`      // NaN if both differences are 0, as of constant embeddings
	Foreground float64 `json:"foreground"` // a picture and its twin: the same object on another background
	Background float64 `json:"background"` // two objects of different classes on one kind of background
	Unrelated  float64 `json:"unrelated"`  // two objects of different classes on different kinds of background
}

// MeasureForegroundShare compares rows of pictures [N, d] with rows of twins [N, d].
func MeasureForegroundShare(pictures, twins torch.Tensor, p SharePairs) (ForegroundShare, error) {
	out := ForegroundShare{Share: math.NaN()}
	for _, q := range []struct {
		mean  *float64
		pairs [][2]int64
	}{{&out.Foreground, p.Twins}, {&out.Background, p.Background}, {&out.Unrelated, p.Unrelated}} {
		var err error
		if *q.mean, err = meanCosine(pictures, twins, q.pairs); err != nil {
			return out, err
		}
	}
	fg, bg := out.Foreground-out.Unrelated, out.Background-out.Unrelated
	if fg != 0 || bg != 0 {
		out.Share = fg / (fg + bg)
	}
	return out, nil
}

// cosineBlock is the number of pairs that are compared at a time.
const cosineBlock = 4096

// meanCosine is the mean cosine of rows a of x and rows b of y, for pairs (a, b), in float64.
func meanCosine(x, y torch.Tensor, pairs [][2]int64) (float64, error) {
	if len(pairs) == 0 {
		return 0, fmt.Errorf("eval: no pairs to compare")
	}
	defer torch.SetGrad(false)()
	sum := 0.0
	for from := 0; from < len(pairs); from += cosineBlock {
		some := pairs[from:min(len(pairs), from+cosineBlock)]
		err := torch.With(func(s *torch.Scope) error {
			a, b := side(s, x, some, 0), side(s, y, some, 1)
			sum += s.Item(s.Sum(s.Mul(a, b)))
			return s.Err()
		})
		if err != nil {
			return 0, err
		}
	}
	return sum / float64(len(pairs)), nil
}

// side are the rows of x that one side of the pairs names, of length 1.
func side(s *torch.Scope, x torch.Tensor, pairs [][2]int64, which int) torch.Tensor {
	rows := make([]int64, len(pairs))
	for k, p := range pairs {
		rows[k] = p[which]
	}
	device := s.Like(x).Device
	chosen := s.IndexSelect(x, 0, torch.Upload(s, rows, device, int64(len(rows))))
	return s.Normalize(s.To(chosen, torch.Options{DType: gotch.Double, Device: device}))
}
