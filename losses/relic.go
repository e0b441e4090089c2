package losses

import "github.com/icl-msr/icl-msr/torch"

// RELIC is the loss of Mitrovic et al. 2021 (arXiv 2010.07922). Each view is to pick its picture among the other view's
// candidates, by cosines over tau; this term is the mean of both directions. alpha times a second term is added: the
// mean of both Kullback-Leibler divergences between the two directions' distributions over pictures. In each divergence
// the first distribution is held constant.
func RELIC(s *torch.Scope, b Pair, tau, alpha float64) torch.Tensor {
	l1 := s.LogSoftmax(cosines(s, b.Z1, b.All2, tau), 1)
	l2 := s.LogSoftmax(cosines(s, b.Z2, b.All1, tau), 1)
	apart := s.Add(divergence(s, l1, l2), divergence(s, l2, l1))
	contrast := CrossViewNCE(s, b, tau)
	return s.MulScalar(s.Add(contrast, s.MulScalar(apart, alpha)), 0.5)
}

// divergence is the mean over rows of KL(e^a, e^b) with a held constant.
func divergence(s *torch.Scope, a, b torch.Tensor) torch.Tensor {
	a = s.Detach(a)
	return s.Mean(s.SumDim(s.Mul(s.Exp(a), s.Sub(a, b)), false, 1))
}
