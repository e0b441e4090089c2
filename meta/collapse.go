package meta

import (
	"math"

	"github.com/sugarme/gotch"

	"github.com/icl-msr/icl-msr/torch"
)

// deviation is the standard deviation of L2-normalised embeddings z [N, d] over the batch, averaged over dimensions.
// Times sqrt(d) it is 1 for embeddings all over the sphere, 0 for collapsed ones (Chen and He 2020, arXiv 2011.10566,
// section 4.1).
func deviation(s *torch.Scope, z torch.Tensor) torch.Tensor {
	if s.Err() != nil {
		return torch.Tensor{}
	}
	defer torch.SetGrad(false)()
	return s.Mean(s.Sqrt(s.VarDim(s.Normalize(z), false, 0)))
}

// covariance is N times the covariance of L2-normalised embeddings z [N, d]: [d, d] in float64.
func covariance(s *torch.Scope, z torch.Tensor) torch.Tensor {
	if s.Err() != nil {
		return torch.Tensor{}
	}
	defer torch.SetGrad(false)()
	u := s.Normalize(z)
	double := torch.Options{DType: torch.Float64().DType, Device: s.Like(z).Device}
	centred := s.To(s.Sub(u, s.MeanDim(u, true, 0)), double)
	return s.MatMul(s.T(centred), centred)
}

// effectiveRank is exp of the entropy of a covariance's eigenvalues, as shares of their sum (Roy and Vetterli 2007,
// EUSIPCO): from 1, collapsed to a line, to d. It runs on the host, so that a device need not wait for eigenvalues.
func effectiveRank(covariance []float64) (rank float64, err error) {
	err = torch.With(func(s *torch.Scope) error {
		defer torch.SetGrad(false)()
		d := int64(math.Round(math.Sqrt(float64(len(covariance)))))
		values, _ := s.Eigh(torch.FromSlice(s, covariance, gotch.CPU, d, d))
		total, entropy := 0.0, 0.0
		shares := torch.Slice[float64](s, values)
		for _, v := range shares {
			total += max(0, v)
		}
		for _, v := range shares {
			if p := max(0, v) / total; p > 0 {
				entropy -= p * math.Log(p)
			}
		}
		rank = math.Exp(entropy)
		return s.Err()
	})
	return rank, err
}
