package model

import "github.com/icl-msr/icl-msr/torch"

// ViewNorm says which views a batch norm normalises together. Views of another size or kind are apart in all but
// JointHeads.
type ViewNorm int

// The choices of ViewNorm.
const (
	Joint           ViewNorm = iota // all views: SimCLR
	PerViewBackbone                 // view by view in the backbone, all views in the heads: the baseline's SimCLR
	PerView                         // view by view: MoCo, BYOL, SimSiam, Barlow Twins, VICReg
	JointHeads                      // as Joint in the backbone, views of all sizes and kinds in the heads: SwAV
)

// groups are the views that pass the projector together: neighbours of one size and kind, each view alone, or all.
// Views that the online network, or the target network, does not need are left out.
func (p *Pass) groups(s *torch.Scope, target bool) (out [][]int) {
	norm := p.networks.ViewNorm
	for v := range p.Batch.Views {
		if !p.needs(v, target) {
			continue
		}
		if last := len(out) - 1; last >= 0 && norm != PerView && (norm == JointHeads || p.alike(s, out[last][0], v)) {
			out[last] = append(out[last], v)
		} else {
			out = append(out, []int{v})
		}
	}
	return out
}

// needs reports whether the online network, or the target network, must see view v.
func (p *Pass) needs(v int, target bool) bool {
	sparing, ok := p.Method.(Sparing)
	if !ok || !p.WithoutDoLoss {
		return true
	}
	online, constant := sparing.Needs(v)
	if target {
		return constant
	}
	return online
}

// backboneGroups are the views of a group that pass the backbone together.
func (p *Pass) backboneGroups(s *torch.Scope, group []int) (out [][]int) {
	if p.networks.ViewNorm == Joint {
		return [][]int{group}
	}
	for _, v := range group {
		last := len(out) - 1
		if last >= 0 && p.networks.ViewNorm == JointHeads && p.alike(s, out[last][0], v) {
			out[last] = append(out[last], v)
		} else {
			out = append(out, []int{v})
		}
	}
	return out
}

// alike reports whether two views have one size and kind.
func (p *Pass) alike(s *torch.Scope, a, b int) bool {
	kinds := p.Views()
	return s.Size(p.Batch.Views[a], -1) == s.Size(p.Batch.Views[b], -1) &&
		(a >= len(kinds) || b >= len(kinds) || kinds[a] == kinds[b])
}

// stack puts a group's views under each other, cut as the method wants them.
func (p *Pass) stack(s *torch.Scope, group []int) torch.Tensor {
	views := make([]torch.Tensor, len(group))
	for k, v := range group {
		views[k] = p.Batch.Views[v]
	}
	x := s.Cat(0, views...)
	if c, ok := p.Method.(Cutter); ok {
		return c.Cut(s, x)
	}
	return x
}

// gather returns each view's rows of all ranks [N, d], of a rank's outputs [V, n, d] for each group. A view that is in
// no group stays undefined.
func (p *Pass) gather(s *torch.Scope, groups [][]int, xs []torch.Tensor) []torch.Tensor {
	out := make([]torch.Tensor, len(p.Batch.Views))
	for i, x := range xs {
		views := int(s.Size(x, 0))
		if s.Err() != nil {
			break
		}
		for k, y := range split(s, s.AllGatherParts(p.Group, flat(s, x), views), views) {
			out[groups[i][k]] = y
		}
	}
	return out
}

// byView divides rows by view: [views, n, d].
func byView(s *torch.Scope, x torch.Tensor, views int) torch.Tensor {
	if s.Err() != nil {
		return torch.Tensor{}
	}
	return s.Reshape(x, int64(views), s.Size(x, 0)/int64(views), -1)
}

// flat undoes byView.
func flat(s *torch.Scope, x torch.Tensor) torch.Tensor { return s.Reshape(x, -1, s.Size(x, -1)) }
