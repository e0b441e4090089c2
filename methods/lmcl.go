package methods

import (
	"github.com/icl-msr/icl-msr/losses"
	"github.com/icl-msr/icl-msr/model"
	"github.com/icl-msr/icl-msr/torch"
)

// lmcl is Chen et al. 2021 (ICML, "Large-margin contrastive learning with distance polarization regularizer"): NT-Xent,
// and similarities are pushed out of the margin between the two thresholds.
type lmcl struct{ Base }

func newLMCL(b Base) model.Method { return lmcl{b} }

func (m lmcl) Loss(s *torch.Scope, p *model.Pass) torch.Tensor {
	return losses.LargeMargin(s, p.Pair(), m.Config.Temperature,
		m.Option("weight"), m.Option("delta_plus"), m.Option("delta_minus"))
}
