package losses

import "github.com/icl-msr/icl-msr/torch"

// SimSiam is the loss of Chen and He 2021 (arXiv 2011.10566): minus the cosine of one view's prediction p [N, d] and
// the other view's projection z [N, d], which is held constant. The loss is the mean over pictures and both directions.
func SimSiam(s *torch.Scope, p1, p2, z1, z2 torch.Tensor) torch.Tensor {
	return s.MulScalar(crossed(s, p1, p2, z1, z2), -0.5)
}
