package losses

import "github.com/icl-msr/icl-msr/torch"

// Do is the interventional loss L_msr (arXiv 2206.14702, eq. 4 and 6) with weights on the embeddings. The weights A [N,
// n, d] belong to a picture and are shared by its two views. They multiply the other view among the candidates; if the
// candidates are a target network's, that is the target's view.
//
//	P_i = 1/n sum_t exp(sim(z_i, a_t z'_i)/tau) / (exp(sim(z_i, a_t z'_i)/tau) + sum_neg exp(sim(z_i, z_k)/tau))
//
// The negatives have no weights. They are both views of the other pictures and the rows of the queue. The loss is minus
// the mean of log P over the 2N anchors.
func Do(s *torch.Scope, b Pair, weights torch.Tensor, tau float64) torch.Tensor {
	pos1, pos2 := weighted(s, weights, b.own(s, b.Z2, b.All2)), weighted(s, weights, b.own(s, b.Z1, b.All1))
	return DoPositives(s, b, pos1, pos2, tau)
}

// weighted returns a_t * z/|z| [N, n, d]. The norm of z does not change a cosine.
func weighted(s *torch.Scope, weights, z torch.Tensor) torch.Tensor {
	return s.Mul(weights, s.Unsqueeze(s.Normalize(z), 1))
}

// DoPositives is Do with given positives: n weighted ones for each anchor. pos1 [N, n, d], made from view 2, belongs to
// the anchors of view 1; pos2 belongs to those of view 2.
func DoPositives(s *torch.Scope, b Pair, pos1, pos2 torch.Tensor, tau float64) torch.Tensor {
	t := similarities(s, b, tau)
	positives := s.Normalize(s.Cat(0, pos1, pos2))
	cosines := s.SumDim(s.Mul(positives, s.Unsqueeze(t.anchors, 1)), false, 2)
	positive := s.MulScalar(cosines, 1/tau) // [2N, n]
	others := t.without(s, t.without(s, t.logits, t.self), t.other)
	if b.Queue.Defined() {
		others = s.Cat(1, others, s.MulScalar(s.MatMul(t.anchors, s.T(s.Normalize(b.Queue))), 1/tau))
	}
	negative := s.LogSumExp(others, true, 1) // [2N, 1]
	// e^p / (e^p + e^neg) = sigmoid(p - neg). The mean over t is inside the logarithm.
	logP := s.LogSumExp(s.LogSigmoid(s.Sub(positive, negative)), false, 1)
	return s.Sub(logOf(s, s.Size(positive, 1), logP), s.Mean(logP))
}
