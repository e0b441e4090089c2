package model

// ViewNorm says which views a batch norm takes together.
type ViewNorm int

// The choices of ViewNorm. In each, views of another size or kind are apart.
const (
	Joint         ViewNorm = iota // all views: SimCLR
	BackboneApart                 // each view by itself in the backbone, all in the heads: the baseline's SimCLR
	Apart                         // each view by itself: MoCo, BYOL, SimSiam, Barlow Twins, VICReg
)

// backboneSteps are the views that the backbone sees at a time, of a group.
func (p *Pass) backboneSteps(group []int) (out [][]int) {
	if p.networks.ViewNorm == Joint {
		return [][]int{group}
	}
	for _, v := range group {
		out = append(out, []int{v})
	}
	return out
}

// Steady tells which of theta have a rate that no schedule changes.
func (m *Model) Steady() []bool {
	out := make([]bool, len(m.params))
	for _, part := range m.networks.Steady {
		at := m.spans[part]
		for i := range at.np {
			out[at.p+i] = true
		}
	}
	return out
}
