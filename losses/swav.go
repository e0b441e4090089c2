package losses

import (
	"fmt"

	"github.com/icl-msr/icl-msr/torch"
)

// SwAVConfig are SwAV's constants: 0.1, 0.05 and 3 in the paper.
type SwAVConfig struct {
	Tau        float64 // of the predictions
	Epsilon    float64 // of Sinkhorn
	Iterations int     // of Sinkhorn
}

// SwAV is the loss of Caron et al. 2020 (arXiv 2006.09882). The assignment of each of the first two views to K
// prototypes is predicted from every other view's scores, by a softmax over tau. The loss is the mean over pictures and
// over all such pairs of views. scores are the cosines [N, K] of each view's embeddings with the prototypes. earlier is
// nil or has scores [Q, K] of earlier pictures for each of the first two views; they share the prototypes with the
// batch.
func SwAV(s *torch.Scope, scores, earlier []torch.Tensor, c SwAVConfig) torch.Tensor {
	if len(scores) < 2 || earlier != nil && len(earlier) != 2 {
		s.Fail(fmt.Errorf("losses: SwAV of %d views with a queue of %d", len(scores), len(earlier)))
		return torch.Tensor{}
	}
	checkTau(s, c.Tau)
	n := s.Size(scores[0], 0)
	var loss torch.Tensor
	pairs := 0
	for i := range 2 {
		rows := s.Detach(scores[i])
		if earlier != nil {
			rows = s.Cat(0, rows, earlier[i])
		}
		q := s.Narrow(Sinkhorn(s, rows, c.Epsilon, c.Iterations), 0, 0, n)
		for v := range scores {
			if v == i {
				continue
			}
			term := crossEntropy(s, q, s.MulScalar(scores[v], 1/c.Tau))
			if pairs++; pairs == 1 {
				loss = term
			} else {
				loss = s.Add(loss, term)
			}
		}
	}
	return s.MulScalar(loss, 1/float64(pairs))
}
