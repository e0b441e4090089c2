package losses

import "github.com/icl-msr/icl-msr/torch"

// Sinkhorn turns scores [B, K] into assignments [B, K] (Caron et al. 2020, SwAV, arXiv 2006.09882). exp(scores/epsilon)
// is scaled by rows and columns in turn, until the prototypes share the rows evenly and each row sums to 1. It has no
// gradient. It works on logarithms, so that no score is too large.
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
