package losses

import "github.com/icl-msr/icl-msr/torch"

// VICReg is the loss of Bardes et al. 2022 (arXiv 2105.04906), of embeddings z1, z2 [N, d]:
//
//	invariance mean (z1 - z2)²
//	+ variance/2 sum_views mean_j max(0, 1 - sqrt(Var_j + 1e-4))
//	+ covariance/d sum_views sum_{i≠j} Cov_ij²
//
// Variances and covariances are sums divided by N - 1. The weights are 25, 25 and 1 in the paper.
func VICReg(s *torch.Scope, z1, z2 torch.Tensor, invariance, variance, covariance float64) torch.Tensor {
	n, d := rows(s, z1, z2)
	loss := s.MulScalar(s.Mean(s.Square(s.Sub(z1, z2))), invariance)
	for _, z := range []torch.Tensor{z1, z2} {
		centred := s.Sub(z, s.MeanDim(z, true, 0))
		deviation := s.Sqrt(s.AddScalar(s.MulScalar(s.SumDim(s.Square(centred), false, 0), 1/float64(n-1)), 1e-4))
		loss = s.Add(loss, s.MulScalar(s.Mean(s.ReLU(s.AddScalar(s.Neg(deviation), 1))), variance/2))
		c := s.MulScalar(s.MatMul(s.T(centred), centred), 1/float64(n-1))
		off := s.MaskedFill(c, diagonal(s, d, z), 0)
		loss = s.Add(loss, s.MulScalar(s.Sum(s.Square(off)), covariance/float64(d)))
	}
	return loss
}
