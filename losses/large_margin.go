package losses

import "github.com/icl-msr/icl-msr/torch"

// LargeMargin is LMCL (Chen et al. 2021, PMLR 139): NT-Xent plus weight times the distance polarization regularizer.
// The regularizer pushes distances D = (1 - cos)/2 out of the margin between deltaPlus and deltaMinus. It is the mean
// over pairs of max(0, -(D - deltaPlus)(D - deltaMinus)).
func LargeMargin(s *torch.Scope, b Pair, tau, weight, deltaPlus, deltaMinus float64) torch.Tensor {
	t := similarities(s, b, tau)
	d := s.AddScalar(s.MulScalar(t.logits, -tau/2), 0.5)
	inside := s.ReLU(s.Neg(s.Mul(s.AddScalar(d, -deltaPlus), s.AddScalar(d, -deltaMinus))))
	pairs := float64(s.Size(d, 0) * (s.Size(d, 1) - 1)) // all but the anchor itself
	margin := s.Sum(s.MaskedFill(inside, s.Eq(t.columns, t.self), 0))
	return s.Add(NTXent(s, b, tau), s.MulScalar(margin, weight/max(1, pairs)))
}
