package meta

import (
	"math"

	"github.com/icl-msr/icl-msr/internal/libtorch"
)

// spread is the standard deviation of L2-normalised embeddings z [N, d] over
// the batch, mean over dimensions, times sqrt(d): 1 for embeddings all over the
// sphere, 0 for collapsed ones (Chen and He 2021, section 4.1).
func spread(s *Scope, z Tensor) float64 {
	if s.Err() != nil {
		return 0
	}
	defer libtorch.SetGrad(false)()
	u := s.Normalize(z)
	return s.Item(s.Mean(s.Sqrt(s.VarDim(u, false, 0)))) * math.Sqrt(float64(s.Size(z, 1)))
}

// effectiveRank is exp of the entropy of the eigenvalues of L2-normalised
// embeddings' covariance, as shares of their sum (Roy and Vetterli 2007): from 1,
// collapsed to a line, to d.
func effectiveRank(s *Scope, z Tensor) float64 {
	if s.Err() != nil {
		return 0
	}
	defer libtorch.SetGrad(false)()
	u := s.Normalize(z)
	centred := s.To(s.Sub(u, s.MeanDim(u, true, 0)), libtorch.Options{DType: libtorch.Float64().DType, Device: s.Like(z).Device})
	values, _ := s.Eigh(s.MatMul(s.T(centred), centred))
	total, entropy := 0.0, 0.0
	shares := libtorch.Slice[float64](s, values)
	for _, v := range shares {
		total += max(0, v)
	}
	for _, v := range shares {
		if p := max(0, v) / total; p > 0 {
			entropy -= p * math.Log(p)
		}
	}
	return math.Exp(entropy)
}
