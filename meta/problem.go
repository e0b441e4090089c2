package meta

import (
	"fmt"

	"github.com/icl-msr/icl-msr/model"
	"github.com/icl-msr/icl-msr/nets"
	"github.com/icl-msr/icl-msr/torch"
)

// Problem is one meta step: all that the meta gradient depends on.
type Problem struct {
	Model           *model.Model
	Config          Config
	MSR             *nets.MSR
	Theta, Buffers  []torch.Tensor // of the model
	ModelState      []torch.Tensor // of the model; constant here
	Phi, PhiBuffers []torch.Tensor // of f_msr
	Inner           model.Batch    // the batch of the fast weights
	Outer           model.Batch    // the batch of L_ct(theta1); the paper uses the inner one
	Clock           model.Clock
	model.Exec
}

// Gradient computes the meta gradient (eq. 8) as Config.GradientMethod says. Batch norms use the batch's statistics;
// running statistics and parameters stay as they are. The result lives in s. The caller holds its OS thread. In a
// data-parallel job all ranks get the gradient of the whole batch.
func (p Problem) Gradient(s *torch.Scope) (Result, error) {
	r, err := p.Queue(s)
	if err == nil {
		err = r.Read(s)
	}
	if err != nil {
		return Result{}, err
	}
	return r, nil
}

// Queue is Gradient without Read: it does not wait for a device.
func (p Problem) Queue(s *torch.Scope) (Result, error) {
	r, err := p.gradient(s)
	r.Figures = s.Figures(r.ct, r.msr, r.ctFast, r.uni, r.normCT, r.normUni, r.gamma)
	if err == nil {
		err = s.Err()
	}
	if err != nil {
		return Result{}, fmt.Errorf("meta gradient: %w", err)
	}
	return r.Result, nil
}

// targets runs the target network, which is constant here, once on each batch.
func (p *Problem) targets(s *torch.Scope) {
	same := p.Outer.Views[0] == p.Inner.Views[0]
	for _, b := range []*model.Batch{&p.Inner, &p.Outer} {
		q := p.at(nil, *b, nets.Meta())
		q.Targets(s)
		*b = q.Batch
		if same {
			p.Outer = p.Inner
			return
		}
	}
}

// at is a pass of the model at theta.
func (p Problem) at(theta []torch.Tensor, b model.Batch, m nets.Mode) *model.Pass {
	return &model.Pass{
		Model:   p.Model,
		Exec:    p.Exec,
		Theta:   theta,
		Buffers: p.Buffers,
		State:   p.ModelState,
		Batch:   b,
		Mode:    m,
		Clock:   p.Clock,
	}
}

// inner is a pass of the inner batch at theta, with weights A: it has L_to (eq. 5).
func (p Problem) inner(theta []torch.Tensor, a torch.Tensor, m nets.Mode) *model.Pass {
	q := p.at(theta, p.Inner, m)
	q.Space, q.A = p.Config.Space, a
	return q
}

// outer is a pass of the outer batch at theta1: it has L_ct(theta1), the first term of eq. 8.
func (p Problem) outer(theta1 []torch.Tensor, m nets.Mode) *model.Pass {
	q := p.at(theta1, p.Outer, m)
	q.WithoutDoLoss = true
	return q
}

// losses are L_ct, L_msr and L_to of an inner pass after Forward.
func (p Problem) losses(s *torch.Scope, q *model.Pass) (ct, msr, total torch.Tensor) {
	ct, msr = q.Loss(s, q), q.DoLoss(s)
	return ct, msr, s.Add(ct, s.MulScalar(msr, p.Config.Lambda))
}
