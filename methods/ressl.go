package methods

import (
	"github.com/icl-msr/icl-msr/losses"
	"github.com/icl-msr/icl-msr/model"
	"github.com/icl-msr/icl-msr/nets"
	"github.com/icl-msr/icl-msr/torch"
)

// ressl is Zheng et al. 2021: the student's relation to earlier pictures, from a
// strong view, is drawn to the teacher's sharper one, from a weak view.
type ressl struct{ base }

func newReSSL(c Config) model.Method { return ressl{base{c, "ressl"}} }

func (m ressl) Views() []model.View { return []model.View{model.Strong, model.Weak} }

func (m ressl) Networks(backbone nets.Encoder) (model.Networks, error) {
	return model.Networks{ViewNorm: m.c.viewNorm(), Online: m.c.online(backbone), Target: true, State: []nets.Spec{model.QueueSpec(queueState, or(m.c.Queue, 4096), m.c.Dim)}}, nil
}

// Needs: the student sees the strong view, the teacher the weak one.
func (m ressl) Needs(v int) (online, target bool) { return v == 0, v == 1 }

// Momentum is constant, 0.99 in the paper's runs on small data sets, unless the
// option ema says otherwise.
func (m ressl) Momentum(progress float64) float64 { return m.c.tau(0.99, progress) }

func (m ressl) Loss(s *torch.Scope, p *model.Pass) torch.Tensor {
	return losses.ReSSL(s, p.Z[0], p.Batch.TargetZ[1], p.StateTensor(s, queueState), m.c.Temperature, m.c.option("tau_teacher"))
}

// Contrast adds the queue to the negatives of the do-loss.
func (m ressl) Contrast(s *torch.Scope, p *model.Pass) losses.Batch {
	return p.PairWithQueue(s, queueState)
}

func (m ressl) Update(s *torch.Scope, p *model.Pass) { p.Enqueue(s, queueState, p.Batch.TargetZ[1]) }
