package interventions

import (
	"fmt"

	"github.com/icl-msr/icl-msr/torch"
)

// VREx is the variance penalty of Krueger et al. (arXiv:2003.00688): the variance, over strata, of the mean loss in
// each stratum. each [A] holds the losses of anchors, and strata [A] their strata, whole numbers below k. Strata
// without anchors do not count. With one stratum the penalty is 0. The variance divides by the number of strata.
func VREx(s *torch.Scope, each, strata torch.Tensor, k int64) torch.Tensor {
	if n := s.Size(each, 0); s.Err() == nil && (n < 1 || n != s.Size(strata, 0) || k < 1) {
		s.Fail(fmt.Errorf("interventions: %d losses of %d strata numbers, of %d strata", n, s.Size(strata, 0), k))
	}
	if s.Err() != nil {
		return torch.Tensor{}
	}
	like := s.Like(each)
	number := s.Unsqueeze(s.Arange(0, k, like.Device), 0)
	members := s.To(s.Eq(s.Unsqueeze(strata, 1), number), like) // [A, k]
	counts := s.SumDim(members, false, 0)
	present := s.Clamp(counts, 0, 1)
	risks := s.Div(s.SumDim(s.Mul(members, s.Unsqueeze(each, 1)), false, 0), s.ClampMin(counts, 1))
	m := s.Sum(present)
	mean := s.Div(s.Sum(risks), m)
	return s.Div(s.Sum(s.Mul(present, s.Square(s.Sub(risks, mean)))), m)
}
