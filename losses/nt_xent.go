package losses

import "github.com/icl-msr/icl-msr/torch"

// NTXent is SimCLR's loss (Chen et al. 2020, arXiv 2002.05709), which is L_ct of the paper (arXiv 2206.14702, eq. 1).
// Each of the 2N anchors is to pick its picture's other view among that view and both views of the other pictures. The
// loss is -log softmax of cosines over tau, the mean over anchors. It is computed with log-sum-exp.
func NTXent(s *torch.Scope, b Pair, tau float64) torch.Tensor {
	t := similarities(s, b, tau)
	positive := s.Gather(t.logits, 1, t.other)
	all := s.LogSumExp(t.without(s, t.logits, t.self), true, 1)
	return s.Mean(s.Sub(all, positive))
}
