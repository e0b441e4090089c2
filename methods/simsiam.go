package methods

import (
	"github.com/icl-msr/icl-msr/losses"
	"github.com/icl-msr/icl-msr/model"
	"github.com/icl-msr/icl-msr/nets"
	"github.com/icl-msr/icl-msr/torch"
)

// simSiam is Chen and He 2021 (arXiv 2011.10566): BYOL whose target is the online network, held constant.
type simSiam struct{ Base }

func newSimSiam(b Base) model.Method { return simSiam{b} }

func (m simSiam) Networks(backbone nets.Encoder) (model.Networks, error) {
	return model.Networks{
		ViewNorm: m.ViewNorm(),
		Online:   m.Online(backbone, m.Predictor()),
		Steady:   m.Steady(),
	}, nil
}

func (m simSiam) Loss(s *torch.Scope, p *model.Pass) torch.Tensor {
	q := p.ApplyAll(s, PredictorPart, p.Z)
	return losses.SimSiam(s, q[0], q[1], s.Detach(p.Z[0]), s.Detach(p.Z[1]))
}
