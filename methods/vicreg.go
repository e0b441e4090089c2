package methods

import (
	"github.com/icl-msr/icl-msr/losses"
	"github.com/icl-msr/icl-msr/model"
	"github.com/icl-msr/icl-msr/torch"
)

// vicReg is Bardes et al. 2022: variance, invariance, covariance.
type vicReg struct{ base }

func newVICReg(c Config) model.Method { return vicReg{base{c, "vicreg"}} }

func (m vicReg) Loss(s *torch.Scope, p *model.Pass) torch.Tensor {
	return losses.VICReg(s, p.Z[0], p.Z[1], m.c.option("invariance"), m.c.option("variance"), m.c.option("covariance"))
}
