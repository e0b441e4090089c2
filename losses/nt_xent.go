package losses

import "github.com/icl-msr/icl-msr/torch"

// NTXent is SimCLR's loss, the paper's L_ct (eq. 1; Chen et al. 2020): for each
// of the 2N anchors, -log of the softmax of its cosines over tau, of the other
// view among that view and both views of the other pictures; the mean over the
// anchors. It is computed with log-sum-exp.
func NTXent(s *torch.Scope, b Batch, tau float64) torch.Tensor {
	t := similarities(s, b, tau)
	positive := s.Gather(t.logits, 1, t.other)
	all := s.LogSumExp(t.without(s, t.logits, t.self), true, 1)
	return s.Mean(s.Sub(all, positive))
}
