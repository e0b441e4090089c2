package methods

import (
	"errors"

	"github.com/icl-msr/icl-msr/model"
	"github.com/icl-msr/icl-msr/torch"

	"github.com/icl-msr/icl-msr/losses"
	"github.com/icl-msr/icl-msr/nets"
)

// cmc is Tian et al. 2020, contrastive multiview coding: the lightness and the
// colours of one picture, L and ab of Lab, are its two views; a network of half
// the width, and a head, for each.
type cmc struct{ base }

func newCMC(c Config) model.Method { return cmc{base{c, "cmc"}} }

func (m cmc) Views() []model.View { return []model.View{model.Lab} }

func (m cmc) Networks(backbone nets.Encoder) (model.Networks, error) {
	whole, ok := backbone.(nets.Divisible)
	if !ok {
		return model.Networks{}, errors.New("the backbone cannot be halved; use a ResNet")
	}
	l, err := whole.Part(1)
	if err != nil {
		return model.Networks{}, err
	}
	ab, err := whole.Part(2)
	if err != nil {
		return model.Networks{}, err
	}
	head := func(dim int64) nets.Encoder { return m.c.projector(dim).Net }
	return model.Networks{ViewNorm: m.c.viewNorm(), Dim: m.c.Dim, Online: []model.Part{
		{Name: model.BackbonePart, Net: nets.Sides(nets.Side{Name: "l", Columns: 1, Net: l}, nets.Side{Name: "ab", Columns: 2, Net: ab})},
		{Name: model.ProjectorPart, Net: nets.Sides(nets.Side{Name: "l", Columns: l.Dim(), Net: head(l.Dim())}, nets.Side{Name: "ab", Columns: ab.Dim(), Net: head(ab.Dim())})},
	}}, nil
}

// Arrange takes the embeddings of the two sides apart.
func (m cmc) Arrange(s *torch.Scope, y []torch.Tensor) []torch.Tensor {
	return []torch.Tensor{s.Narrow(y[0], 1, 0, m.c.Dim), s.Narrow(y[0], 1, m.c.Dim, m.c.Dim)}
}

func (m cmc) Loss(s *torch.Scope, p *model.Pass) torch.Tensor {
	return losses.CrossViewNCE(s, p.Pair(), m.c.Temperature)
}
