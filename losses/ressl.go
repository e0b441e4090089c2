package losses

import "github.com/icl-msr/icl-msr/torch"

// ReSSL is the loss of Zheng et al. 2021 (arXiv 2107.09282): the cross entropy of the student's distribution over the
// queue [K, d] to the teacher's, the mean over pictures. A distribution is a softmax of cosines, over tauStudent and
// tauTeacher. student and teacher are [N, d]. Teacher and queue get no gradient.
func ReSSL(s *torch.Scope, student, teacher, queue torch.Tensor, tauStudent, tauTeacher float64) torch.Tensor {
	var target torch.Tensor
	torch.NoGrad(func() { target = s.Exp(s.LogSoftmax(cosines(s, teacher, queue, tauTeacher), 1)) })
	return crossEntropy(s, target, cosines(s, student, s.Detach(queue), tauStudent))
}

// crossEntropy is the mean over rows of -sum target log softmax(logits).
func crossEntropy(s *torch.Scope, target, logits torch.Tensor) torch.Tensor {
	return s.Neg(s.Mean(s.SumDim(s.Mul(target, s.LogSoftmax(logits, 1)), false, 1)))
}
