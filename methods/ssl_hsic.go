package methods

import (
	"github.com/icl-msr/icl-msr/losses"
	"github.com/icl-msr/icl-msr/nets"
	"github.com/icl-msr/icl-msr/torch"
)

// sslHSIC is Li et al. 2021 (arXiv 2106.08320): the dependence of embeddings on the
// picture's identity, by kernels. With the option target it has the networks of
// BYOL, as its authors' code: predictions and the target's projections are the
// embeddings.
type sslHSIC struct{ base }

func newSSLHSIC(c Config) Method { return sslHSIC{base{c, "ssl_hsic"}} }

func (m sslHSIC) Networks(backbone nets.Encoder) (Networks, error) {
	if !m.c.target() {
		return m.base.Networks(backbone)
	}
	return Networks{ViewNorm: m.c.viewNorm(), Target: true, Online: m.c.online(backbone, m.c.predictor()),
		Steady: m.c.steady()}, nil
}

// Momentum goes from 0.99 to 1 by a cosine, unless the option ema says otherwise.
func (m sslHSIC) Momentum(progress float64) float64 { return m.c.tau(0.99, progress) }

func (m sslHSIC) Loss(s *torch.Scope, p *Pass) torch.Tensor {
	views := p.Z[:2:2]
	if m.c.target() {
		views = append(p.ApplyAll(s, predictorPart, views), p.Batch.TargetZ[:2]...)
	}
	return losses.SSLHSICViews(s, views, m.c.option("gamma"), m.c.option("width"))
}
