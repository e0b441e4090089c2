package methods

import (
	"github.com/icl-msr/icl-msr/losses"
	"github.com/icl-msr/icl-msr/model"
	"github.com/icl-msr/icl-msr/torch"
)

// sslHSIC is Li et al. 2021: the dependence of embeddings on the picture's
// identity, by kernels.
type sslHSIC struct{ base }

func newSSLHSIC(c Config) model.Method { return sslHSIC{base{c, "ssl_hsic"}} }

func (m sslHSIC) Loss(s *torch.Scope, p *model.Pass) torch.Tensor {
	return losses.SSLHSIC(s, p.Z[0], p.Z[1], m.c.option("gamma"), m.c.option("width"))
}
