package methods

import (
	"github.com/icl-msr/icl-msr/losses"
	"github.com/icl-msr/icl-msr/model"
	"github.com/icl-msr/icl-msr/nets"
	"github.com/icl-msr/icl-msr/torch"
)

// relic is Mitrovic et al. 2021 (arXiv 2010.07922): each view picks its picture among the other view's, and both views
// see the same distribution over pictures. With the option target the other view's embeddings are a target network's,
// as in the paper on ImageNet.
type relic struct{ Base }

func newRELIC(b Base) model.Method { return relic{b} }

func (m relic) Networks(backbone nets.Encoder) (model.Networks, error) {
	n, err := m.Base.Networks(backbone)
	n.Target = m.Option("target") == 1
	return n, err
}

// Momentum goes from 0.99 to 1 by a cosine, unless the option ema says otherwise.
func (m relic) Momentum(progress float64) float64 { return m.TargetMomentum(0.99, progress) }

func (m relic) Loss(s *torch.Scope, p *model.Pass) torch.Tensor {
	return losses.RELIC(s, p.Pair(), m.Config.Temperature, m.Option("alpha"))
}
