package methods

import (
	"github.com/icl-msr/icl-msr/losses"
	"github.com/icl-msr/icl-msr/model"
	"github.com/icl-msr/icl-msr/torch"
)

// vicReg is Bardes et al. 2022 (arXiv 2105.04906): variance, invariance, covariance.
type vicReg struct{ Base }

func newVICReg(b Base) model.Method { return vicReg{b} }

func (m vicReg) Loss(s *torch.Scope, p *model.Pass) torch.Tensor {
	return losses.VICReg(s, p.Z[0], p.Z[1], m.Option("invariance"), m.Option("variance"), m.Option("covariance"))
}
