package methods

import (
	"github.com/icl-msr/icl-msr/losses"
	"github.com/icl-msr/icl-msr/model"
	"github.com/icl-msr/icl-msr/nets"
	"github.com/icl-msr/icl-msr/torch"
)

// ressl is Zheng et al. 2021 (arXiv 2107.09282): the student's relation to earlier pictures, from a strong view, is
// drawn to the teacher's sharper one, from a weak view.
type ressl struct{ Base }

func newReSSL(b Base) model.Method { return ressl{b} }

func (m ressl) Views() []model.View { return []model.View{model.Strong, model.Weak} }

func (m ressl) Networks(backbone nets.Encoder) (model.Networks, error) {
	return model.Networks{
		ViewNorm: m.ViewNorm(),
		Online:   m.Online(backbone),
		Target:   true,
		State:    []nets.Spec{model.QueueSpec(queueState, orElse(m.Config.Queue, 4096), m.Config.Dim)},
	}, nil
}

// Needs implements model.Sparing: the student sees the strong view, the teacher the weak one.
func (m ressl) Needs(v int) (online, target bool) { return v == 0, v == 1 }

// Momentum is constant, 0.99 in the paper's runs on small data sets, unless the option ema says otherwise.
func (m ressl) Momentum(progress float64) float64 { return m.TargetMomentum(0.99, progress) }

func (m ressl) Loss(s *torch.Scope, p *model.Pass) torch.Tensor {
	return losses.ReSSL(s, p.Z[0], p.Batch.TargetZ[1], p.StateTensor(s, queueState),
		m.Config.Temperature, m.Option("tau_teacher"))
}

// Contrast adds the queue to the negatives of the do-loss.
func (m ressl) Contrast(s *torch.Scope, p *model.Pass) losses.Pair {
	return p.PairWithQueue(s, queueState)
}

func (m ressl) Update(s *torch.Scope, p *model.Pass) { p.Enqueue(s, queueState, p.Batch.TargetZ[1]) }
