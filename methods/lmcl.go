package methods

import (
	"github.com/icl-msr/icl-msr/losses"
	"github.com/icl-msr/icl-msr/model"
	"github.com/icl-msr/icl-msr/torch"
)

// lmcl is Chen et al. 2021, large-margin contrastive learning: NT-Xent, and
// similarities are pushed out of the margin between the two thresholds.
type lmcl struct{ base }

func newLMCL(c Config) model.Method { return lmcl{base{c, "lmcl"}} }

func (m lmcl) Loss(s *torch.Scope, p *model.Pass) torch.Tensor {
	return losses.LargeMargin(s, p.Pair(), m.c.Temperature, m.c.option("weight"), m.c.option("delta_plus"), m.c.option("delta_minus"))
}
