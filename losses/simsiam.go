package losses

import "github.com/icl-msr/icl-msr/torch"

// SimSiam is Chen and He 2021: minus the cosine of each view's prediction p
// [N, d] and the other's projection z [N, d], which is held constant; the mean
// over pictures and over both directions.
func SimSiam(s *torch.Scope, p1, p2, z1, z2 torch.Tensor) torch.Tensor {
	return s.MulScalar(crossed(s, p1, p2, z1, z2), -0.5)
}
