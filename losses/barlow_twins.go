package losses

import (
	"fmt"

	"github.com/icl-msr/icl-msr/torch"
)

// BarlowTwins is the loss of Zbontar et al. 2021 (arXiv 2103.03230): sum_i (C_ii - 1)² + lambda sum_{i≠j} C_ij². C is
// the cross-correlation, over the batch, of the views' embeddings z1 and z2 [N, d]. Variances are over N, with 1e-5
// added.
func BarlowTwins(s *torch.Scope, z1, z2 torch.Tensor, lambda float64) torch.Tensor {
	n, d := rows(s, z1, z2)
	a, b := standardize(s, z1), standardize(s, z2)
	c := s.MulScalar(s.MatMul(s.T(a), b), 1/float64(n))
	on := s.MeanDim(s.Mul(a, b), false, 0) // C's diagonal
	off := s.MaskedFill(c, diagonal(s, d, z1), 0)
	return s.Add(s.Sum(s.Square(s.AddScalar(on, -1))), s.MulScalar(s.Sum(s.Square(off)), lambda))
}

// standardize gives each column the mean 0 and the variance 1.
func standardize(s *torch.Scope, z torch.Tensor) torch.Tensor {
	centred := s.Sub(z, s.MeanDim(z, true, 0))
	return s.Div(centred, s.Sqrt(s.AddScalar(s.VarDim(z, true, 0), 1e-5)))
}

// rows returns the shape [N, d] of two embeddings. They must have the same shape, and N must be 2 or more.
func rows(s *torch.Scope, z1, z2 torch.Tensor) (n, d int64) {
	a, b := s.Shape(z1), s.Shape(z2)
	if s.Err() != nil {
		return 1, 1
	}
	if len(a) != 2 || len(b) != 2 || a[0] != b[0] || a[1] != b[1] || a[0] < 2 {
		s.Fail(fmt.Errorf("losses: embeddings of shapes %v and %v; want one shape [N, d] with N of 2 or more", a, b))
		return 1, 1
	}
	return a[0], a[1]
}
