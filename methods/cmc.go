package methods

import (
	"errors"

	"github.com/icl-msr/icl-msr/losses"
	"github.com/icl-msr/icl-msr/model"
	"github.com/icl-msr/icl-msr/nets"
	"github.com/icl-msr/icl-msr/torch"
)

// cmc is Tian et al. 2020 (arXiv 1906.05849), contrastive multiview coding. The lightness and the colours of one
// picture, L and ab of Lab, are its two views. Each has a network of half the width, and a head.
type cmc struct{ Base }

func newCMC(b Base) model.Method { return cmc{b} }

func (m cmc) Views() []model.View { return []model.View{model.Lab} }

func (m cmc) Networks(backbone nets.Encoder) (model.Networks, error) {
	whole, ok := backbone.(nets.Divisible)
	if !ok {
		return model.Networks{}, errors.New("the backbone cannot be halved; use a ResNet")
	}
	l, err := whole.Half(1)
	if err != nil {
		return model.Networks{}, err
	}
	ab, err := whole.Half(2)
	if err != nil {
		return model.Networks{}, err
	}
	sides := nets.Sides(nets.Side{Name: "l", Columns: 1, Net: l}, nets.Side{Name: "ab", Columns: 2, Net: ab})
	heads := nets.Sides(
		nets.Side{Name: "l", Columns: l.Dim(), Net: m.Projector(l.Dim())},
		nets.Side{Name: "ab", Columns: ab.Dim(), Net: m.Projector(ab.Dim())})
	return model.Networks{
		ViewNorm: m.ViewNorm(),
		Dim:      m.Config.Dim,
		Online:   []model.Part{{Name: model.BackbonePart, Net: sides}, {Name: model.ProjectorPart, Net: heads}},
	}, nil
}

// Arrange separates the embeddings of the two sides.
func (m cmc) Arrange(s *torch.Scope, y []torch.Tensor) []torch.Tensor {
	dim := m.Config.Dim
	return []torch.Tensor{s.Narrow(y[0], 1, 0, dim), s.Narrow(y[0], 1, dim, dim)}
}

func (m cmc) Loss(s *torch.Scope, p *model.Pass) torch.Tensor {
	return losses.CrossViewNCE(s, p.Pair(), m.Config.Temperature)
}
