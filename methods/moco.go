package methods

import (
	"math"

	"github.com/icl-msr/icl-msr/model"
	"github.com/icl-msr/icl-msr/torch"

	"github.com/icl-msr/icl-msr/losses"
	"github.com/icl-msr/icl-msr/nets"
)

// moco is He et al. 2020 in its second version (Chen et al. 2020): the negatives
// are keys of earlier batches. Both views are queries in turn.
type moco struct{ base }

func newMoCo(c Config) model.Method { return moco{base{c, "moco"}} }

const queueState = "queue"

func (m moco) Networks(backbone nets.Encoder) (model.Networks, error) {
	return model.Networks{ViewNorm: m.c.viewNorm(), Online: m.c.online(backbone), Target: true, State: []nets.Spec{model.QueueSpec(queueState, or(m.c.Queue, 4096), m.c.Dim)}}, nil
}

// Momentum is constant, 0.999 in the paper, unless the option ema says otherwise.
func (m moco) Momentum(progress float64) float64 { return m.c.tau(0.999, progress) }

func (m moco) Loss(s *torch.Scope, p *model.Pass) torch.Tensor {
	t, queue := p.Batch.TargetZ, p.StateTensor(s, queueState)
	if m.oneWay() {
		return losses.InfoNCEQueue(s, p.Z[0], t[1], queue, m.c.Temperature)
	}
	return s.MulScalar(s.Add(losses.InfoNCEQueue(s, p.Z[0], t[1], queue, m.c.Temperature), losses.InfoNCEQueue(s, p.Z[1], t[0], queue, m.c.Temperature)), 0.5)
}

// Blind implements Blind: the positive is one more than the queue's.
func (m moco) Blind(int) float64 { return math.Log(float64(or(m.c.Queue, 4096)) + 1) }

// Contrast adds the queue to the negatives of the do-loss.
func (m moco) Contrast(s *torch.Scope, p *model.Pass) losses.Batch {
	return p.PairWithQueue(s, queueState)
}

// Update enqueues after the loss was taken: a queue that holds the batch's own
// keys would have its positives among the negatives.
func (m moco) Update(s *torch.Scope, p *model.Pass) {
	keys := p.Batch.TargetZ
	if m.oneWay() {
		keys = keys[1:2]
	}
	p.Enqueue(s, queueState, keys...)
}

// oneWay says that the first view is the query and the second the key, as in the
// authors' code.
func (m moco) oneWay() bool { return m.c.option("directions") == 1 }

// Needs implements Sparing.
func (m moco) Needs(v int) (online, target bool) { return !m.oneWay() || v == 0, !m.oneWay() || v == 1 }
