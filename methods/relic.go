package methods

import "github.com/icl-msr/icl-msr/losses"

// relic is Mitrovic et al. 2021: NT-Xent, and the same distribution over the
// other pictures whichever view asks.
type relic struct{ base }

func newRELIC(c Config) Method { return relic{base{c, "relic"}} }

func (m relic) Loss(s *Scope, p *Pass) Tensor {
	return losses.RELIC(s, p.Pair(), m.c.Temperature, m.c.option("alpha"))
}
