package losses

import (
	"math"

	"github.com/icl-msr/icl-msr/internal/field"
	"github.com/icl-msr/icl-msr/torch"
)

// WeightUniformity is L_uni (arXiv 2206.14702, eq. 9; Wang and Isola 2020, arXiv 2005.10242). Of a picture's weight
// vectors A [N, n, c] it is the log of the sum over ordered pairs i != j of exp(2t a_i.a_j - 2t). The vectors are
// L2-normalised here. The loss is the mean over pictures. t is 2 in the paper.
func WeightUniformity(s *torch.Scope, weights torch.Tensor, t float64) torch.Tensor {
	n := s.Size(weights, 1)
	if s.Err() == nil && n < 2 {
		s.Fail(field.Errorf(
			"losses: the uniformity of %d weight vector is not defined; use {meta.NumWeights} 2 or more, or {meta.Gamma} 0", n))
		return torch.Tensor{}
	}
	a := s.Normalize(weights)
	logits := s.AddScalar(s.MulScalar(s.MatMul(a, s.Transpose(a, 1, 2)), 2*t), -2*t)
	return s.Mean(s.LogSumExp(s.MaskedFill(logits, diagonal(s, n, weights), math.Inf(-1)), false, 1, 2))
}

// logOf returns log n as a scalar of like's type.
func logOf(s *torch.Scope, n int64, like torch.Tensor) torch.Tensor {
	if s.Err() != nil {
		return torch.Tensor{}
	}
	return s.Full(math.Log(float64(n)), s.Like(like))
}
