package meta

import (
	"github.com/icl-msr/icl-msr/model"
	"github.com/icl-msr/icl-msr/nets"
	"github.com/icl-msr/icl-msr/torch"
)

// weights returns A [n, k, c] of this rank's inner pictures as a leaf, and what
// takes gradients at it back to phi, summed over the ranks; of none come none.
func (p Problem) weights(s *torch.Scope) (a torch.Tensor, back func(at []torch.Tensor) [][]torch.Tensor) {
	mode := nets.Meta().SyncOver(model.Norms(p.Group, p.LocalNorm))
	parts := micro(s, p.Inner.Plain, p.Micro)
	if len(parts) == 1 {
		phi := s.Leaves(p.Phi)
		graph := p.MSR.Forward(s, s.Share(p.Group, phi, false), p.PhiBuffers, p.Inner.Plain, mode)
		return s.Leaves([]torch.Tensor{graph})[0], func(at []torch.Tensor) [][]torch.Tensor {
			out := make([][]torch.Tensor, len(at))
			for i, g := range at {
				if g.Defined() {
					out[i] = s.Grad([]torch.Tensor{graph}, phi, torch.GradOptions{Seeds: []torch.Tensor{g}, RetainGraph: true})
				}
			}
			return out
		}
	}
	rows := make([]torch.Tensor, len(parts))
	torch.NoGrad(func() {
		for i, x := range parts {
			s.Within(func(t *torch.Scope) { rows[i] = s.Hold(p.MSR.Forward(t, p.Phi, p.PhiBuffers, x, mode)) })
		}
	})
	return s.Leaves([]torch.Tensor{s.Cat(0, rows...)})[0], func(at []torch.Tensor) [][]torch.Tensor {
		out := make([][]torch.Tensor, len(at))
		for i, x := range parts {
			s.Within(func(t *torch.Scope) {
				phi := t.Leaves(p.Phi)
				graph := p.MSR.Forward(t, phi, p.PhiBuffers, x, mode)
				for k, g := range at {
					if !g.Defined() {
						continue
					}
					if out[k] == nil {
						out[k] = zerosLike(s, p.Phi)
					}
					s.AddAll(out[k], t.Grad([]torch.Tensor{graph}, phi, torch.GradOptions{Seeds: micro(t, g, p.Micro)[i : i+1], RetainGraph: true}))
				}
			})
		}
		for k := range out {
			out[k] = s.TotalAll(p.Group, out[k])
		}
		return out
	}
}

// micro takes rows apart into micro-batches of m; into one, where m is 0.
func micro(s *torch.Scope, x torch.Tensor, m int64) []torch.Tensor {
	count := model.Divide(s, s.Size(x, 0), m)
	if count == 1 {
		return []torch.Tensor{x}
	}
	parts := make([]torch.Tensor, count)
	for i := range parts {
		parts[i] = s.Narrow(x, 0, int64(i)*m, m)
	}
	return parts
}

// second is what the derivative of L_msr along v has besides its change with the
// weighted projections W: <G, dW>, with W's gradient G and its tangents dW, which
// depend on A themselves.
type second struct {
	at    []torch.Tensor // G
	along []model.Local  // the tangents, part by part
	v     []torch.Tensor
}

// throughWeights takes gradients at W, weighted projections (feature space), to
// A. dW is not computed: <G, dW> is <dG, tangents>, with dG the gradient of <G, W>
// by what W is made of, the features and the projector.
func (p Problem) throughWeights(s *torch.Scope, parts []*model.Pass, points []model.Local, at []torch.Tensor, more *second) torch.Tensor {
	rows := make([]torch.Tensor, len(parts))
	for i, part := range parts {
		s.Within(func(t *torch.Scope) {
			theta, features := part.Theta, points[i].Features
			twice := more != nil && !p.HasTarget()
			if twice {
				theta, features = t.Leaves(theta), t.Leaves(features)
			}
			q := part.Apart(theta, nets.Meta())
			q.A = t.Leaves([]torch.Tensor{q.A})[0]
			w := q.Weigh(t, features)
			outputs, seeds := w, model.PartOf(t, at, i, len(parts))
			if twice {
				// As leaves, so that every gradient has a graph.
				g := t.Grad(w, append(features[:len(features):len(features)], theta...), torch.GradOptions{
					Seeds: t.Leaves(model.PartOf(t, more.at, i, len(parts))), CreateGraph: true, AllowUnused: true})
				along := append(more.along[i].Features[:len(features):len(features)], more.v...)
				for k := range g {
					if g[k].Defined() {
						outputs, seeds = append(outputs, g[k]), append(seeds, along[k])
					}
				}
			}
			rows[i] = s.Hold(t.Grad(outputs, []torch.Tensor{q.A}, torch.GradOptions{Seeds: seeds})[0])
		})
	}
	return s.Cat(0, rows...)
}
