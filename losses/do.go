package losses

import "github.com/icl-msr/icl-msr/torch"

// Do is the interventional loss L_msr (eq. 4 and 6) with weights on the
// embeddings: weights A [N, n, d], shared by a picture's two views, multiply
// the other view among the candidates (a target network's, where they are its).
//
//	P_i = 1/n sum_t exp(sim(z_i, a_t z'_i)/tau) / (exp(sim(z_i, a_t z'_i)/tau) + sum_neg exp(sim(z_i, z_k)/tau))
//
// The negatives are both views of the other pictures, unweighted, and the
// queue's rows; the loss is minus the mean of log P over the 2N anchors.
func Do(s *torch.Scope, b Batch, weights torch.Tensor, tau float64) torch.Tensor {
	return DoPositives(
		s, b, weighted(s, weights, b.own(s, b.Z2, b.All2)), weighted(s, weights, b.own(s, b.Z1, b.All1)), tau,
	)
}

// weighted returns a_t * z/|z| [N, n, d]; the cosine does not see the norm.
func weighted(s *torch.Scope, weights, z torch.Tensor) torch.Tensor {
	return s.Mul(weights, s.Unsqueeze(s.Normalize(z), 1))
}

// DoPositives is Do with the n weighted positives of each anchor given: pos1
// [N, n, d] for the anchors of view 1 (made from view 2), pos2 for those of
// view 2.
func DoPositives(s *torch.Scope, b Batch, pos1, pos2 torch.Tensor, tau float64) torch.Tensor {
	t := similarities(s, b, tau)
	positives := s.Normalize(s.Cat(0, pos1, pos2))
	cosines := s.SumDim(s.Mul(positives, s.Unsqueeze(t.anchors, 1)), false, 2)
	positive := s.MulScalar(cosines, 1/tau) // [2N, n]
	others := t.without(s, t.without(s, t.logits, t.self), t.other)
	if b.Queue.Defined() {
		others = s.Cat(1, others, s.MulScalar(s.MatMul(t.anchors, s.T(s.Normalize(b.Queue))), 1/tau))
	}
	negative := s.LogSumExp(others, true, 1) // [2N, 1]
	// e^p / (e^p + e^neg) = sigmoid(p - neg); the mean over t inside the logarithm.
	logP := s.LogSumExp(s.LogSigmoid(s.Sub(positive, negative)), false, 1)
	return s.Sub(logOf(s, s.Size(positive, 1), logP), s.Mean(logP))
}
