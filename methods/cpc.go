package methods

import (
	"fmt"

	"github.com/icl-msr/icl-msr/losses"
	"github.com/icl-msr/icl-msr/model"
	"github.com/icl-msr/icl-msr/nets"
	"github.com/icl-msr/icl-msr/torch"
)

// cpc is contrastive predictive coding, version 2 (Hénaff et al. 2020, arXiv 1905.09272). A picture is cut into
// overlapping patches. From the rows above, a context network predicts the features of rows below. The do-loss compares
// a picture's mean prediction with its mean target.
type cpc struct{ Base }

func newCPC(b Base) model.Method { return cpc{b} }

// cpcGrid is the number of patches in a row, and of rows. A patch has a quarter of the side; neighbours overlap by
// half.
const cpcGrid = 7

// offset is the number of rows between a context and what it predicts: nearer rows share pixels with it.
func (m cpc) offset() int64 { return int64(min(cpcGrid-1, max(1, m.Count("offset")))) }

func (m cpc) Views() []model.View { return []model.View{model.Strong} }

func (m cpc) Networks(backbone nets.Encoder) (model.Networks, error) {
	width := max(1, m.Config.Hidden/4)
	head := nets.NewContext(backbone.Dim(), width, m.Config.Dim, cpcGrid, int64(m.Count("blocks")))
	return model.Networks{
		ViewNorm: m.ViewNorm(),
		Dim:      m.Config.Dim,
		Online:   []model.Part{{Name: model.BackbonePart, Net: backbone}, {Name: model.ProjectorPart, Net: head}},
	}, nil
}

// Cut makes the grid of patches.
func (m cpc) Cut(s *torch.Scope, views torch.Tensor) torch.Tensor {
	n, side := s.Size(views, 0), s.Size(views, 2)
	stride := side / (cpcGrid + 1)
	if s.Err() == nil && stride < 1 {
		s.Fail(fmt.Errorf("methods: cpc cuts pictures into %d x %d patches, and a side of %d pixels is too short; "+
			"use --size %d or more", cpcGrid, cpcGrid, side, cpcGrid+1))
	}
	if s.Err() != nil {
		return torch.Tensor{}
	}
	var patches []torch.Tensor
	for y := range int64(cpcGrid) {
		row := s.Narrow(views, 2, y*stride, 2*stride)
		for x := range int64(cpcGrid) {
			patches = append(patches, s.Narrow(row, 3, x*stride, 2*stride))
		}
	}
	return s.Reshape(s.Stack(1, patches...), n*cpcGrid*cpcGrid, 3, 2*stride, 2*stride)
}

// grids separates predictions and targets: [N, 7, 7, d] each.
func (m cpc) grids(s *torch.Scope, y torch.Tensor) (predictions, targets torch.Tensor) {
	both := s.Reshape(y, -1, 2, cpcGrid, cpcGrid, m.Config.Dim)
	return s.Select(both, 1, 0), s.Select(both, 1, 1)
}

// Arrange returns the mean of the predictions, and of what they predict.
func (m cpc) Arrange(s *torch.Scope, y []torch.Tensor) []torch.Tensor {
	predictions, targets := m.grids(s, y[0])
	rows := cpcGrid - m.offset()
	return []torch.Tensor{
		s.MeanDim(s.Narrow(predictions, 1, 0, rows), false, 1, 2),
		s.MeanDim(s.Narrow(targets, 1, m.offset(), rows), false, 1, 2),
	}
}

func (m cpc) Loss(s *torch.Scope, p *model.Pass) torch.Tensor {
	predictions, targets := m.grids(s, p.Y[0])
	return losses.CPC(s, predictions, targets, m.offset(), m.Option("scale"))
}
