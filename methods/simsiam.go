package methods

import (
	"github.com/icl-msr/icl-msr/losses"
	"github.com/icl-msr/icl-msr/model"
	"github.com/icl-msr/icl-msr/nets"
	"github.com/icl-msr/icl-msr/torch"
)

// simSiam is Chen and He 2021: BYOL with the online network for its target,
// held constant.
type simSiam struct{ base }

func newSimSiam(c Config) model.Method { return simSiam{base{c, "simsiam"}} }

func (m simSiam) Networks(backbone nets.Encoder) (model.Networks, error) {
	return model.Networks{ViewNorm: m.c.viewNorm(), Online: m.c.online(backbone, m.c.predictor()), Steady: m.c.steady()}, nil
}

func (m simSiam) Loss(s *torch.Scope, p *model.Pass) torch.Tensor {
	q := p.ApplyAll(s, predictorPart, p.Z)
	return losses.SimSiam(s, q[0], q[1], s.Detach(p.Z[0]), s.Detach(p.Z[1]))
}
