package methods

import (
	"github.com/icl-msr/icl-msr/losses"
	"github.com/icl-msr/icl-msr/model"
	"github.com/icl-msr/icl-msr/torch"
)

// dcl is Chuang et al. 2020 (arXiv 2007.00224), debiased contrastive learning: a share tau_plus of the negatives is
// taken to be of the anchor's class.
type dcl struct{ Base }

func newDCL(b Base) model.Method { return dcl{b} }

// WeighsNegatives implements model.Conditional.
func (m dcl) WeighsNegatives() {}

func (m dcl) Loss(s *torch.Scope, p *model.Pass) torch.Tensor {
	return losses.Debiased(s, p.Pair(), m.Config.Temperature, m.Option("tau_plus"))
}
