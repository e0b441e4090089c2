package losses

import "github.com/icl-msr/icl-msr/torch"

// SSLHSIC is the loss of Li et al. 2021 (arXiv 2106.08320): -HSIC(Z, Y) + gamma sqrt(HSIC(Z, Z)) of the 2N
// L2-normalised embeddings Z and the pictures' identity Y. The kernel is the inverse multiquadric, k = c / sqrt(c² + |z
// - z'|²). HSIC(Z, Y) is the mean kernel of a picture's two views minus that of all pairs. HSIC(Z, Z) is the biased
// estimate |H K H|²/(2N-1)².
func SSLHSIC(s *torch.Scope, z1, z2 torch.Tensor, gamma, c float64) torch.Tensor {
	n, _ := rows(s, z1, z2)
	u1, u2 := s.Normalize(z1), s.Normalize(z2)
	u := s.Cat(0, u1, u2)
	k := multiquadric(s, s.MulScalar(s.AddScalar(s.Neg(s.MatMul(u, s.T(u))), 1), 2), c)
	same := multiquadric(s, s.SumDim(s.Square(s.Sub(u1, u2)), false, 1), c)
	centred := s.Sub(s.Sub(k, s.MeanDim(k, true, 0)), s.Sub(s.MeanDim(k, true, 1), s.Mean(k)))
	m := float64(2*n - 1)
	own := s.MulScalar(s.Sqrt(s.Sum(s.Square(centred))), 1/m)
	return s.Add(s.Sub(s.Mean(k), s.Mean(same)), s.MulScalar(own, gamma))
}

// multiquadric is c / sqrt(c² + d) of squared distances d.
func multiquadric(s *torch.Scope, d torch.Tensor, c float64) torch.Tensor {
	return s.Exp(s.MulScalar(s.Log(s.AddScalar(s.MulScalar(d, 1/(c*c)), 1)), -0.5))
}
