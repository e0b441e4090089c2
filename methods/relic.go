package methods

import (
	"github.com/icl-msr/icl-msr/losses"
	"github.com/icl-msr/icl-msr/nets"
	"github.com/icl-msr/icl-msr/torch"
)

// relic is Mitrovic et al. 2021 (arXiv 2010.07922): each view picks its picture among
// the other view's, and has the same distribution over pictures whichever view
// asks. With the option target the other view's embeddings are a target
// network's, as in the paper on ImageNet.
type relic struct{ base }

func newRELIC(c Config) Method { return relic{base{c, "relic"}} }

func (m relic) Networks(backbone nets.Encoder) (Networks, error) {
	n, err := m.base.Networks(backbone)
	n.Target = m.c.target()
	return n, err
}

// Momentum goes from 0.99 to 1 by a cosine, unless the option ema says otherwise.
func (m relic) Momentum(progress float64) float64 { return m.c.tau(0.99, progress) }

func (m relic) Loss(s *torch.Scope, p *Pass) torch.Tensor {
	return losses.RELIC(s, p.Pair(), m.c.Temperature, m.c.option("alpha"))
}
