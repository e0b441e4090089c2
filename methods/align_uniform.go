package methods

import (
	"github.com/icl-msr/icl-msr/losses"
	"github.com/icl-msr/icl-msr/model"
	"github.com/icl-msr/icl-msr/torch"
)

// alignUniform is Wang and Isola 2020 (arXiv 2005.10242): views of a picture lie together, and all pictures spread over
// the sphere.
type alignUniform struct{ Base }

func newAlignUniform(b Base) model.Method { return alignUniform{b} }

func (m alignUniform) Loss(s *torch.Scope, p *model.Pass) torch.Tensor {
	t := m.Option("t")
	spread := s.Add(losses.Uniformity(s, p.Z[0], t), losses.Uniformity(s, p.Z[1], t))
	near := losses.Alignment(s, p.Z[0], p.Z[1], m.Option("alpha"))
	return s.Add(s.MulScalar(near, m.Option("align")), s.MulScalar(spread, m.Option("uniform")/2))
}
