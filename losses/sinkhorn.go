package losses

import "github.com/icl-msr/icl-msr/internal/libtorch"

// Sinkhorn turns scores [B, K] into assignments [B, K]: exp(scores/epsilon),
// scaled in turn until prototypes share the rows evenly and each row sums to 1
// (Caron et al. 2020, SwAV). It has no gradient.
func Sinkhorn(s *Scope, scores Tensor, epsilon float64, iterations int) Tensor {
	defer libtorch.SetGrad(false)()
	checkTau(s, epsilon)
	// The largest score is taken off first: no exponential overflows, and the
	// scaling does not see a common factor.
	q := s.MulScalar(scores, 1/epsilon)
	q = s.Exp(s.Sub(q, s.LogSumExp(q, true, 0, 1)))
	for range iterations {
		q = s.Div(q, s.ClampMin(s.SumDim(q, true, 0), 1e-30))
		q = s.Div(q, s.ClampMin(s.SumDim(q, true, 1), 1e-30))
	}
	return q
}
