package losses

import (
	"fmt"

	"github.com/icl-msr/icl-msr/torch"
)

// CPC is the loss of contrastive predictive coding, version 2 (Hénaff et al. 2020, arXiv 1905.09272, algorithm 1). The
// prediction at row i of a picture's grid, times scale, is to pick the target at row i+ahead of its own column and
// picture among all targets of all pictures. The loss is -log softmax of the products, the mean over predictions.
// predictions and targets are [N, G, G, d].
func CPC(s *torch.Scope, predictions, targets torch.Tensor, ahead int64, scale float64) torch.Tensor {
	n, g, d := s.Size(predictions, 0), s.Size(predictions, 1), s.Size(predictions, 3)
	if s.Err() == nil && (ahead < 1 || ahead >= g) {
		s.Fail(fmt.Errorf("losses: CPC predicts %d rows ahead in a grid of %d", ahead, g))
	}
	if s.Err() != nil {
		return torch.Tensor{}
	}
	places := s.Reshape(s.Arange(0, n*g*g, s.Like(targets).Device), n, g, g)
	own := s.Reshape(s.Narrow(places, 1, ahead, g-ahead), -1)
	from := s.Reshape(s.Narrow(predictions, 1, 0, g-ahead), -1, d)
	logits := s.MatMul(s.MulScalar(from, scale), s.T(s.Reshape(targets, -1, d)))
	return s.CrossEntropy(logits, own)
}
