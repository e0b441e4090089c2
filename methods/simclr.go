package methods

import (
	"math"

	"github.com/icl-msr/icl-msr/losses"
	"github.com/icl-msr/icl-msr/model"
	"github.com/icl-msr/icl-msr/torch"
)

// simCLR is Chen et al. 2020 (arXiv 2002.05709): a projection head, and NT-Xent over both views.
type simCLR struct{ Base }

func newSimCLR(b Base) model.Method { return simCLR{b} }

// WeighsNegatives implements model.Conditional.
func (m simCLR) WeighsNegatives() {}

func (m simCLR) Loss(s *torch.Scope, p *model.Pass) torch.Tensor {
	return losses.NTXent(s, p.Pair(), m.Config.Temperature)
}

// CollapsedLoss implements model.CollapseDetector: the positive is one of 2N-1 candidates that are all alike.
func (m simCLR) CollapsedLoss(pictures int) float64 { return math.Log(float64(2*pictures - 1)) }
