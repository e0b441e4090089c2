package methods

import (
	"github.com/icl-msr/icl-msr/internal/libtorch"
	"github.com/icl-msr/icl-msr/losses"
	"github.com/icl-msr/icl-msr/nets"
)

// simCLR is Chen et al. 2020: a projection head and NT-Xent over both views.
type simCLR struct{ c Config }

func newSimCLR(c Config) Method { return simCLR{c} }

func (m simCLR) Name() string                { return "simclr" }
func (m simCLR) Temperature() float64        { return m.c.Temperature }
func (m simCLR) Head(dim int64) nets.Encoder { return nets.NewProjector(dim, m.c.Hidden, m.c.Dim) }

func (m simCLR) Loss(s *libtorch.Scope, b losses.Batch) libtorch.Tensor {
	return losses.NTXent(s, b, m.c.Temperature)
}
