package methods

import (
	"github.com/icl-msr/icl-msr/losses"
	"github.com/icl-msr/icl-msr/model"
	"github.com/icl-msr/icl-msr/torch"
)

// alignUniform is Wang and Isola 2020: views of a picture lie together, all
// pictures spread over the sphere.
type alignUniform struct{ base }

func newAlignUniform(c Config) model.Method { return alignUniform{base{c, "align_uniform"}} }

func (m alignUniform) Loss(s *torch.Scope, p *model.Pass) torch.Tensor {
	t := m.c.option("t")
	spread := s.Add(losses.Uniformity(s, p.Z[0], t), losses.Uniformity(s, p.Z[1], t))
	near := losses.Alignment(s, p.Z[0], p.Z[1], m.c.option("alpha"))
	return s.Add(s.MulScalar(near, m.c.option("align")), s.MulScalar(spread, m.c.option("uniform")/2))
}
