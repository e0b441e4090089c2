package losses

import "github.com/icl-msr/icl-msr/torch"

// Decoupled is decoupled contrastive learning (Yeh et al. 2022, arXiv 2110.06848): NT-Xent without the positive in its
// denominator, -w p + log sum_neg e^s, the mean over the 2N anchors. The negatives are both views of the other
// pictures. If sigma is above 0, the positives are weighted by w = 2 - e^(c/sigma)/mean e^(c/sigma), where c is the
// cosine of a picture's views (DCLW, eq. 6; sigma is 0.5 in the paper). Otherwise w is 1.
func Decoupled(s *torch.Scope, b Pair, tau, sigma float64) torch.Tensor {
	t := similarities(s, b, tau)
	positive := s.Gather(t.logits, 1, t.other)
	negative := s.LogSumExp(t.without(s, t.without(s, t.logits, t.self), t.other), true, 1)
	if sigma > 0 {
		// The two halves of the anchors have the same positives.
		c := s.MulScalar(s.Narrow(positive, 0, 0, t.n), tau/sigma)
		share := s.MulScalar(s.Exp(s.LogSoftmax(c, 0)), float64(t.n))
		weight := s.AddScalar(s.Neg(share), 2)
		positive = s.Mul(s.Cat(0, weight, weight), positive)
	}
	return s.Mean(s.Sub(negative, positive))
}
