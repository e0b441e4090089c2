package methods

import (
	"github.com/icl-msr/icl-msr/losses"
	"github.com/icl-msr/icl-msr/model"
	"github.com/icl-msr/icl-msr/torch"
)

// dcl is Chuang et al. 2020, debiased contrastive learning: a share tauPlus of
// the negatives is taken to be of the anchor's class.
type dcl struct{ base }

func newDCL(c Config) model.Method { return dcl{base{c, "dcl"}} }

func (m dcl) Loss(s *torch.Scope, p *model.Pass) torch.Tensor {
	return losses.Debiased(s, p.Pair(), m.c.Temperature, m.c.option("tau_plus"))
}
