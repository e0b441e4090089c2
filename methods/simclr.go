package methods

import (
	"math"

	"github.com/icl-msr/icl-msr/model"
	"github.com/icl-msr/icl-msr/torch"

	"github.com/icl-msr/icl-msr/losses"
)

// simCLR is Chen et al. 2020: a projection head and NT-Xent over both views.
type simCLR struct{ base }

func newSimCLR(c Config) model.Method { return simCLR{base{c, "simclr"}} }

func (m simCLR) Loss(s *torch.Scope, p *model.Pass) torch.Tensor {
	return losses.NTXent(s, p.Pair(), m.c.Temperature)
}

// Blind implements Blind: the positive is one of 2N-1 that are all alike.
func (m simCLR) Blind(pictures int) float64 { return math.Log(float64(2*pictures - 1)) }
