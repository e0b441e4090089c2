package losses

import "github.com/icl-msr/icl-msr/torch"

// CrossViewNCE is CMC's loss (Tian et al. 2020, arXiv 1906.05849), with negatives from the batch. Each embedding of one
// view is to pick its picture among the other view's candidates. The loss is -log softmax of cosines over tau, the mean
// over pictures and the sum of both directions.
func CrossViewNCE(s *torch.Scope, b Pair, tau float64) torch.Tensor {
	first := pick(s, b.Z1, b.All2, b.Offset, tau)
	second := pick(s, b.Z2, b.All1, b.Offset, tau)
	return s.Add(s.Mean(first), s.Mean(second))
}

// pick is -log softmax of the cosines over tau of anchors [N, d] with candidates [M, d], at candidate offset+i for
// anchor i: [N, 1].
func pick(s *torch.Scope, anchors, candidates torch.Tensor, offset int64, tau float64) torch.Tensor {
	logits := cosines(s, anchors, candidates, tau)
	n := s.Size(anchors, 0)
	own := s.Unsqueeze(s.Arange(offset, offset+n, s.Like(anchors).Device), 1)
	return s.Neg(s.Gather(s.LogSoftmax(logits, 1), 1, own))
}

// cosines is the table [N, M] of the cosines of rows [N, d] and [M, d], divided by tau.
func cosines(s *torch.Scope, a, b torch.Tensor, tau float64) torch.Tensor {
	checkTau(s, tau)
	return s.MulScalar(s.MatMul(s.Normalize(a), s.T(s.Normalize(b))), 1/tau)
}
