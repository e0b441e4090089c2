package methods

import (
	"github.com/icl-msr/icl-msr/losses"
	"github.com/icl-msr/icl-msr/model"
	"github.com/icl-msr/icl-msr/torch"
)

// relic is Mitrovic et al. 2021: NT-Xent, and the same distribution over the
// other pictures whichever view asks.
type relic struct{ base }

func newRELIC(c Config) model.Method { return relic{base{c, "relic"}} }

func (m relic) Loss(s *torch.Scope, p *model.Pass) torch.Tensor {
	return losses.RELIC(s, p.Pair(), m.c.Temperature, m.c.option("alpha"))
}
