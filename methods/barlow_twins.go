package methods

import (
	"github.com/icl-msr/icl-msr/losses"
	"github.com/icl-msr/icl-msr/model"
	"github.com/icl-msr/icl-msr/torch"
)

// barlowTwins is Zbontar et al. 2021 (arXiv 2103.03230): the cross-correlation of the views' embeddings is drawn to the
// identity.
type barlowTwins struct{ Base }

func newBarlowTwins(b Base) model.Method { return barlowTwins{b} }

func (m barlowTwins) Loss(s *torch.Scope, p *model.Pass) torch.Tensor {
	return losses.BarlowTwins(s, p.Z[0], p.Z[1], m.Option("off_diagonal"))
}
