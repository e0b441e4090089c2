package losses

import "github.com/icl-msr/icl-msr/torch"

// Sinkhorn turns scores [B, K] into assignments [B, K]: exp(scores/epsilon),
// scaled in turn until prototypes share the rows evenly and each row sums to 1
// (Caron et al. 2020, SwAV). It has no gradient, and works on logarithms: no
// score is too large.
func Sinkhorn(s *torch.Scope, scores torch.Tensor, epsilon float64, iterations int) torch.Tensor {
	defer torch.SetGrad(false)()
	checkTau(s, epsilon)
	q := s.MulScalar(scores, 1/epsilon)
	for range iterations {
		q = s.Sub(q, s.LogSumExp(q, true, 0))
		q = s.LogSoftmax(q, 1)
	}
	return s.Exp(q)
}
