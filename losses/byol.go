package losses

import "github.com/icl-msr/icl-msr/torch"

// BYOL is the loss of Grill et al. 2020 (arXiv 2006.07733): |p - t|² = 2 - 2 cos(p, t). p [N, d] is one view's
// prediction, t [N, d] is the target's projection of the other view. The loss is the mean over pictures and the sum of
// both directions. The targets get no gradient.
func BYOL(s *torch.Scope, p1, p2, t1, t2 torch.Tensor) torch.Tensor {
	return s.AddScalar(s.MulScalar(crossed(s, p1, p2, t1, t2), -2), 4)
}

// crossed is the mean cosine of p1 and t2 plus that of p2 and t1. The targets t1 and t2 are held constant.
func crossed(s *torch.Scope, p1, p2, t1, t2 torch.Tensor) torch.Tensor {
	return s.Add(cosine(s, p1, s.Detach(t2)), cosine(s, p2, s.Detach(t1)))
}

// cosine is the mean cosine of matching rows of a and b [N, d].
func cosine(s *torch.Scope, a, b torch.Tensor) torch.Tensor {
	return s.Mean(s.SumDim(s.Mul(s.Normalize(a), s.Normalize(b)), false, 1))
}
