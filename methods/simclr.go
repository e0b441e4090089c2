package methods

import "github.com/icl-msr/icl-msr/losses"

// simCLR is Chen et al. 2020: a projection head and NT-Xent over both views.
type simCLR struct{ base }

func newSimCLR(c Config) Method { return simCLR{base{c, "simclr"}} }

func (m simCLR) Loss(s *Scope, p *Pass) Tensor { return losses.NTXent(s, p.Pair(), m.c.Temperature) }
