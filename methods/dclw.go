package methods

import (
	"github.com/icl-msr/icl-msr/losses"
	"github.com/icl-msr/icl-msr/model"
	"github.com/icl-msr/icl-msr/torch"
)

// dclw is Yeh et al. 2022, decoupled contrastive learning with weighted
// positives: NT-Xent without the positive in its denominator.
type dclw struct{ base }

func newDCLW(c Config) model.Method { return dclw{base{c, "dclw"}} }

func (m dclw) Loss(s *torch.Scope, p *model.Pass) torch.Tensor {
	return losses.Decoupled(s, p.Pair(), m.c.Temperature, m.c.option("sigma"))
}
