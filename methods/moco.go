package methods

import (
	"math"

	"github.com/icl-msr/icl-msr/losses"
	"github.com/icl-msr/icl-msr/model"
	"github.com/icl-msr/icl-msr/nets"
	"github.com/icl-msr/icl-msr/torch"
)

// moco is He et al. 2019 (arXiv 1911.05722) in its second version (Chen et al. 2020, arXiv 2003.04297): the negatives
// are keys of earlier batches. Both views are queries in turn.
type moco struct{ Base }

func newMoCo(b Base) model.Method { return moco{b} }

const queueState = "queue"

// rows is the length of the queue.
func (m moco) rows() int64 { return orElse(m.Config.Queue, 4096) }

func (m moco) Networks(backbone nets.Encoder) (model.Networks, error) {
	return model.Networks{
		ViewNorm: m.ViewNorm(),
		Online:   m.Online(backbone),
		Target:   true,
		State:    []nets.Spec{model.QueueSpec(queueState, m.rows(), m.Config.Dim)},
	}, nil
}

// Momentum is constant, 0.999 in the paper, unless the option ema says otherwise.
func (m moco) Momentum(progress float64) float64 { return m.TargetMomentum(0.999, progress) }

func (m moco) Loss(s *torch.Scope, p *model.Pass) torch.Tensor {
	t, queue := p.Batch.TargetZ, p.StateTensor(s, queueState)
	first := losses.InfoNCEQueue(s, p.Z[0], t[1], queue, m.Config.Temperature)
	if m.oneDirection() {
		return first
	}
	second := losses.InfoNCEQueue(s, p.Z[1], t[0], queue, m.Config.Temperature)
	return s.MulScalar(s.Add(first, second), 0.5)
}

// CollapsedLoss implements model.CollapseDetector: the candidates are the positive and the queue.
func (m moco) CollapsedLoss(int) float64 { return math.Log(float64(m.rows()) + 1) }

// Contrast adds the queue to the negatives of the do-loss.
func (m moco) Contrast(s *torch.Scope, p *model.Pass) losses.Pair {
	return p.PairWithQueue(s, queueState)
}

// Update enqueues after the loss was computed: a queue that holds the batch's own keys would have its positives among
// the negatives.
func (m moco) Update(s *torch.Scope, p *model.Pass) {
	keys := p.Batch.TargetZ
	if m.oneDirection() {
		keys = keys[1:2]
	}
	p.Enqueue(s, queueState, keys...)
}

// oneDirection says that the first view is the query and the second the key, as in the authors' code.
func (m moco) oneDirection() bool { return m.Option("directions") == 1 }

// Needs implements model.Sparing.
func (m moco) Needs(v int) (online, target bool) {
	return !m.oneDirection() || v == 0, !m.oneDirection() || v == 1
}
