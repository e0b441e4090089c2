package methods

import (
	"github.com/icl-msr/icl-msr/losses"
	"github.com/icl-msr/icl-msr/nets"
)

// swav is Caron et al. 2020: views predict each other's assignment to
// prototypes; small views predict those of the large ones.
type swav struct{ base }

func newSwAV(c Config) Method { return swav{base{c, "swav"}} }

const (
	prototypesPart   = "prototypes"
	prototypes       = 300 // 3000 for ImageNet's thousand classes
	prototypesFrozen = 313 // iterations at the start, in the paper: 1 epoch
	smallViews       = 4
)

func (m swav) Views() []View {
	views := two()
	for range smallViews {
		views = append(views, Small)
	}
	return views
}

func (m swav) Networks(backbone nets.Encoder) (Networks, error) {
	return Networks{Online: m.c.online(backbone, Part{prototypesPart, nets.Prototypes(m.c.Dim, prototypes)})}, nil
}

func (m swav) Loss(s *Scope, p *Pass) Tensor {
	unit := make([]Tensor, len(p.Z))
	for v, z := range p.Z {
		unit[v] = s.Normalize(z)
	}
	scores := p.ApplyAll(s, prototypesPart, unit)
	return losses.SwAV(s, scores, nil, losses.SwAVConfig{Tau: m.c.Temperature, Epsilon: 0.05, Iterations: 3})
}

// Freeze keeps the prototypes as they are in the first iterations: assignments
// that move with them end where all are equal.
func (m swav) Freeze(p *Pass, grads []Tensor) {
	if p.Clock.Step >= min(prototypesFrozen, p.Clock.Steps/20) {
		return
	}
	at := p.spans[prototypesPart]
	for i := range at.np {
		grads[at.p+i] = Tensor{}
	}
}

// Update brings the prototypes back to norm 1.
func (m swav) Update(s *Scope, p *Pass) {
	w := p.Theta[p.spans[prototypesPart].p]
	s.Copy(w, s.Normalize(w))
}
