package losses

import "github.com/icl-msr/icl-msr/torch"

// InfoNCEQueue is MoCo's loss (He et al. 2020, arXiv 1911.05722; Chen et al. 2020, arXiv 2003.04297). Each query q [N,
// d] is to pick its key k [N, d] among that key and the queue [K, d] of earlier keys. The loss is -log softmax of
// cosines over tau, the mean over queries.
func InfoNCEQueue(s *torch.Scope, q, k, queue torch.Tensor, tau float64) torch.Tensor {
	positive := s.MulScalar(s.SumDim(s.Mul(s.Normalize(q), s.Normalize(k)), true, 1), 1/tau)
	all := s.LogSumExp(s.Cat(1, positive, cosines(s, q, queue, tau)), true, 1)
	return s.Mean(s.Sub(all, positive))
}
