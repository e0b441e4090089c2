package main

import (
	"errors"

	"github.com/icl-msr/icl-msr/meta"
	"github.com/icl-msr/icl-msr/model"
	"github.com/icl-msr/icl-msr/torch"
)

// metaSteps computes meta gradients and applies Adam to f_msr.
func (t task) metaSteps(s *torch.Scope, way meta.GradientMethod) error {
	st, err := t.state(s, true)
	if err != nil {
		return err
	}
	b, o := t.pictures(st.Model), t.options()
	upload := func(x []float32, side int) torch.Tensor {
		return torch.FromSlice(s, x, o.Device, int64(b.N), 3, int64(side), int64(side))
	}
	p := meta.Problem{Model: st.Model, Config: meta.Default(), MSR: st.MSR, Theta: st.Theta, Buffers: st.Buffers,
		ModelState: st.ModelState, Phi: st.Phi, PhiBuffers: st.PhiBuffers,
		Clock: model.Clock{Step: 1000, Steps: 2000}}
	p.Config.GradientMethod = way
	p.Inner = model.Batch{Plain: upload(b.Plain, b.Size), Indices: torch.FromSlice(s, b.Indices, o.Device, int64(b.N))}
	for v, x := range b.Views {
		p.Inner.Views = append(p.Inner.Views, upload(x, b.Sizes[v]))
	}
	p.Outer = p.Inner
	return each(func() error {
		return torch.With(func(u *torch.Scope) error {
			r, err := p.Gradient(u)
			if err != nil {
				return err
			}
			st.PhiOpt.Step(u, p.Phi, r.Grad, 1e-3)
			return errors.Join(u.Err(), torch.Synchronize(t.device))
		})
	})
}
