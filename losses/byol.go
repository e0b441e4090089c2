package losses

import "github.com/icl-msr/icl-msr/torch"

// BYOL is Grill et al. 2020: |p - t|² = 2 - 2 cos of each view's prediction p
// [N, d] and the target's projection t [N, d] of the other view; the mean over
// pictures, the sum of both directions. No gradient goes to the targets.
func BYOL(s *torch.Scope, p1, p2, t1, t2 torch.Tensor) torch.Tensor {
	return s.AddScalar(s.MulScalar(crossed(s, p1, p2, t1, t2), -2), 4)
}

// crossed is the mean cosine of p1 and t2 plus that of p2 and t1, the t held
// constant.
func crossed(s *torch.Scope, p1, p2, t1, t2 torch.Tensor) torch.Tensor {
	return s.Add(cosine(s, p1, s.Detach(t2)), cosine(s, p2, s.Detach(t1)))
}

// cosine is the mean cosine of matching rows of a and b [N, d].
func cosine(s *torch.Scope, a, b torch.Tensor) torch.Tensor {
	return s.Mean(s.SumDim(s.Mul(s.Normalize(a), s.Normalize(b)), false, 1))
}
