package methods

import (
	"github.com/icl-msr/icl-msr/losses"
	"github.com/icl-msr/icl-msr/model"
	"github.com/icl-msr/icl-msr/torch"
)

// relic is Mitrovic et al. 2021 (arXiv 2010.07922): NT-Xent, and both views see the same distribution over the other
// pictures.
type relic struct{ Base }

func newRELIC(b Base) model.Method { return relic{b} }

func (m relic) Loss(s *torch.Scope, p *model.Pass) torch.Tensor {
	return losses.RELIC(s, p.Pair(), m.Config.Temperature, m.Option("alpha"))
}
