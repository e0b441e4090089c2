package methods

import (
	"github.com/icl-msr/icl-msr/losses"
	"github.com/icl-msr/icl-msr/model"
	"github.com/icl-msr/icl-msr/torch"
)

// sslHSIC is Li et al. 2021 (arXiv 2106.08320): the dependence of embeddings on the picture's identity, by kernels.
type sslHSIC struct{ Base }

func newSSLHSIC(b Base) model.Method { return sslHSIC{b} }

func (m sslHSIC) Loss(s *torch.Scope, p *model.Pass) torch.Tensor {
	return losses.SSLHSIC(s, p.Z[0], p.Z[1], m.Option("gamma"), m.Option("width"))
}
