package methods

import (
	"github.com/icl-msr/icl-msr/losses"
	"github.com/icl-msr/icl-msr/model"
	"github.com/icl-msr/icl-msr/nets"
	"github.com/icl-msr/icl-msr/torch"
)

// byol is Grill et al. 2020 (arXiv 2006.07733): the prediction of each view is drawn to the target network's embedding
// of the other.
type byol struct{ Base }

func newBYOL(b Base) model.Method { return byol{b} }

func (m byol) Networks(backbone nets.Encoder) (model.Networks, error) {
	return model.Networks{
		ViewNorm: m.ViewNorm(),
		Target:   true,
		Online:   m.Online(backbone, m.Predictor()),
		Steady:   m.Steady(),
	}, nil
}

// Momentum goes from 0.99 (the baseline's; 0.996 in the paper) to 1 by a cosine, unless the option ema says otherwise.
func (m byol) Momentum(progress float64) float64 { return m.TargetMomentum(0.99, progress) }

func (m byol) Loss(s *torch.Scope, p *model.Pass) torch.Tensor {
	q := p.ApplyAll(s, PredictorPart, p.Z)
	t := p.Batch.TargetZ
	return losses.BYOL(s, q[0], q[1], t[0], t[1])
}
