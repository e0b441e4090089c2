package methods

import (
	"github.com/icl-msr/icl-msr/losses"
	"github.com/icl-msr/icl-msr/model"
	"github.com/icl-msr/icl-msr/nets"
	"github.com/icl-msr/icl-msr/torch"
)

// sslHSIC is Li et al. 2021 (arXiv 2106.08320): the dependence of embeddings on the picture's identity, by kernels.
// With the option target it has BYOL's networks, as in its authors' code: the embeddings are the predictions and the
// target network's projections.
type sslHSIC struct{ Base }

func newSSLHSIC(b Base) model.Method { return sslHSIC{b} }

func (m sslHSIC) target() bool { return m.Option("target") == 1 }

func (m sslHSIC) Networks(backbone nets.Encoder) (model.Networks, error) {
	if !m.target() {
		return m.Base.Networks(backbone)
	}
	return model.Networks{
		ViewNorm: m.ViewNorm(),
		Target:   true,
		Online:   m.Online(backbone, m.Predictor()),
		Steady:   m.Steady(),
	}, nil
}

// Momentum goes from 0.99 to 1 by a cosine, unless the option ema says otherwise.
func (m sslHSIC) Momentum(progress float64) float64 { return m.TargetMomentum(0.99, progress) }

func (m sslHSIC) Loss(s *torch.Scope, p *model.Pass) torch.Tensor {
	views := p.Z[:2:2]
	if m.target() {
		views = append(p.ApplyAll(s, PredictorPart, views), p.Batch.TargetZ[:2]...)
	}
	return losses.SSLHSICViews(s, views, m.Option("gamma"), m.Option("width"))
}
