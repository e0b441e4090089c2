package methods

import (
	"github.com/icl-msr/icl-msr/losses"
	"github.com/icl-msr/icl-msr/model"
	"github.com/icl-msr/icl-msr/torch"
)

// dclw is Yeh et al. 2022 (arXiv 2110.06848), decoupled contrastive learning with weighted positives: NT-Xent without
// the positive in its denominator.
type dclw struct{ Base }

func newDCLW(b Base) model.Method { return dclw{b} }

// WeighsNegatives implements model.Conditional.
func (m dclw) WeighsNegatives() {}

func (m dclw) Loss(s *torch.Scope, p *model.Pass) torch.Tensor {
	return losses.Decoupled(s, p.Pair(), m.Config.Temperature, m.Option("sigma"))
}
