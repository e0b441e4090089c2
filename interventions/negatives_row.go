package interventions

import (
	"context"
	"fmt"
	"math"

	"github.com/icl-msr/icl-msr/torch"
)

// negativesInfo is the row of conditional negatives.
func negativesInfo() Info {
	i := Info{
		Name:  "negatives",
		About: "negatives count by how like their backgrounds are (conditional InfoNCE)",
		Paper: "Tsai et al. 2022, arXiv:2202.05458",
		Options: []Option{
			{Name: "within", Default: 1, Most: 1, About: "share of weights by background; the rest is equal"},
			{Name: "bandwidth", Most: math.MaxFloat32, About: "of the kernel of border colours; 0: their median distance"},
		},
	}
	i.build = func(ctx context.Context, o Options, in Setting, e *Effects) error {
		n := i.numbers(o)
		w := &NegativeWeights{Within: n["within"], Bandwidth: n["bandwidth"]}
		if o.Strata == BorderStrata {
			rows, err := AllBorderFeatures(ctx, in.Dataset, in.Workers)
			if err != nil {
				return err
			}
			w.features = rows
			if w.Bandwidth == 0 {
				w.Bandwidth = MedianDistance(rows, in.Seed)
			}
			if w.Bandwidth == 0 {
				return fmt.Errorf("all pictures have the same border, so that no background is like another one more " +
					"than the rest")
			}
			e.Notes = append(e.Notes, fmt.Sprintf("negatives: weighted by a kernel of border colours, bandwidth %.4g, "+
				"within %g", w.Bandwidth, w.Within))
		} else {
			s, err := o.strata(ctx, in, 0)
			if err != nil {
				return err
			}
			w.strata = s.Of
			e.Notes = append(e.Notes, fmt.Sprintf("negatives: of the same of %d strata, within %g", len(s.Shares), w.Within))
		}
		e.Weights = w
		return nil
	}
	return i
}

// NegativeWeights computes LogWeights of a batch from strata, or from a Gaussian kernel of features.
type NegativeWeights struct {
	Within, Bandwidth float64
	strata            []int
	features          [][]float64
}

// On uploads the strata or features to the device of o, in s. The function that it returns maps the indices of a
// batch's N pictures to their log weights [N, N], of o's dtype.
func (w *NegativeWeights) On(s *torch.Scope, o torch.Options) func(s *torch.Scope, indices torch.Tensor) torch.Tensor {
	var table torch.Tensor
	if w.features == nil {
		numbers := make([]int64, len(w.strata))
		for i, b := range w.strata {
			numbers[i] = int64(b)
		}
		table = torch.Upload(s, numbers, o.Device, int64(len(numbers)))
	} else {
		flat := make([]float32, 0, len(w.features)*FeatureLength)
		for _, row := range w.features {
			for _, v := range row {
				flat = append(flat, float32(v))
			}
		}
		table = torch.Upload(s, flat, o.Device, int64(len(w.features)), FeatureLength)
	}
	return func(s *torch.Scope, indices torch.Tensor) torch.Tensor {
		defer torch.SetGrad(false)()
		rows := s.IndexSelect(table, 0, indices)
		if w.features == nil {
			return LogWeights(s, StrataLogKernel(s, rows, rows, o), 0, w.Within)
		}
		rows = s.To(rows, o)
		return LogWeights(s, GaussianLogKernel(s, rows, rows, w.Bandwidth), 0, w.Within)
	}
}
