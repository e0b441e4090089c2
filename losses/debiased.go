package losses

import (
	"fmt"
	"math"

	"github.com/icl-msr/icl-msr/torch"
)

// Debiased is debiased contrastive learning (Chuang et al. 2020, arXiv 2007.00224, eq. 8). Of the N = 2M-2 negatives of
// NT-Xent, a share tauPlus is of the anchor's own class. Their sum is corrected for it:
//
//	g = max((sum_neg e^s - tauPlus N e^p)/(1 - tauPlus), N e^(-1/tau)),  loss = -log(e^p/(e^p + g))
//
// s and p are cosines over tau, of the negatives and of the positive. The loss is the mean over the 2N anchors,
// computed from logarithms.
func Debiased(s *torch.Scope, b Pair, tau, tauPlus float64) torch.Tensor {
	if !(tauPlus > 0 && tauPlus < 1) {
		s.Fail(fmt.Errorf("losses: the share tau+ is %g; want a number between 0 and 1", tauPlus))
	}
	t := similarities(s, b, tau)
	count := float64(s.Size(t.logits, 1) - 2)
	positive := s.Gather(t.logits, 1, t.other)
	negative := s.LogSumExp(t.without(s, t.without(s, t.logits, t.self), t.other), true, 1)
	// log(e^negative - e^correction) = negative + log(1 - e^gap), for a gap below 0.
	gap := s.Sub(s.AddScalar(positive, math.Log(tauPlus*count)), negative)
	gap = s.Neg(s.ClampMin(s.Neg(gap), 0))
	rest := s.Log(s.ClampMin(s.AddScalar(s.Neg(s.Exp(gap)), 1), 1e-30))
	g := s.ClampMin(s.AddScalar(s.Add(negative, rest), -math.Log(1-tauPlus)), math.Log(count)-1/tau)
	return s.Mean(s.Sub(s.LogSumExp(s.Cat(1, positive, g), true, 1), positive))
}
