package losses

import (
	"fmt"
	"math"

	"github.com/icl-msr/icl-msr/torch"
)

// Alignment is the alignment of Wang and Isola 2020 (arXiv 2005.10242): the mean over pictures of |z1 - z2|^alpha of
// L2-normalised embeddings [N, d]. alpha is 2 in the paper.
func Alignment(s *torch.Scope, z1, z2 torch.Tensor, alpha float64) torch.Tensor {
	d := s.SumDim(s.Square(s.Sub(s.Normalize(z1), s.Normalize(z2))), false, 1)
	if alpha != 2 {
		d = s.Exp(s.MulScalar(s.Log(s.ClampMin(d, 1e-30)), alpha/2))
	}
	return s.Mean(d)
}

// Uniformity is the uniformity of Wang and Isola 2020 (arXiv 2005.10242): the log of the mean, over pairs of different
// rows of z [N, d], of exp(-t |z_i - z_j|²). The rows are L2-normalised here. t is 2 in the paper.
func Uniformity(s *torch.Scope, z torch.Tensor, t float64) torch.Tensor {
	n := s.Size(z, 0)
	if s.Err() == nil && n < 2 {
		s.Fail(fmt.Errorf("losses: the uniformity of %d embedding is not defined; use a batch of 2 or more", n))
		return torch.Tensor{}
	}
	u := s.Normalize(z)
	logits := s.AddScalar(s.MulScalar(s.MatMul(u, s.T(u)), 2*t), -2*t)
	pairs := s.LogSumExp(s.MaskedFill(logits, diagonal(s, n, z), math.Inf(-1)), false, 0, 1)
	return s.Sub(pairs, logOf(s, n*(n-1), pairs))
}
