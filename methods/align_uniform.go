package methods

import "github.com/icl-msr/icl-msr/losses"

// alignUniform is Wang and Isola 2020: views of a picture lie together, all
// pictures spread over the sphere.
type alignUniform struct{ base }

func newAlignUniform(c Config) Method { return alignUniform{base{c, "align_uniform"}} }

func (m alignUniform) Loss(s *Scope, p *Pass) Tensor {
	spread := s.Add(losses.Uniformity(s, p.Z[0], 2), losses.Uniformity(s, p.Z[1], 2))
	return s.Add(losses.Alignment(s, p.Z[0], p.Z[1], 2), s.MulScalar(spread, 0.5))
}
