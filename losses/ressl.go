package losses

import "github.com/icl-msr/icl-msr/torch"

// ReSSL is Zheng et al. 2021: the cross entropy of the student's softmax of
// cosines with the queue [K, d], over tauStudent, to the teacher's, over
// tauTeacher; the mean over pictures. student and teacher are [N, d]; no
// gradient goes to teacher and queue.
func ReSSL(s *torch.Scope, student, teacher, queue torch.Tensor, tauStudent, tauTeacher float64) torch.Tensor {
	var target torch.Tensor
	torch.NoGrad(func() { target = s.Exp(s.LogSoftmax(cosines(s, teacher, queue, tauTeacher), 1)) })
	return crossEntropy(s, target, cosines(s, student, s.Detach(queue), tauStudent))
}

// crossEntropy is the mean over rows of -sum target log softmax(logits).
func crossEntropy(s *torch.Scope, target, logits torch.Tensor) torch.Tensor {
	return s.Neg(s.Mean(s.SumDim(s.Mul(target, s.LogSoftmax(logits, 1)), false, 1)))
}
