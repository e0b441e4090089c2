package methods

import (
	"fmt"
	"math"

	"github.com/icl-msr/icl-msr/losses"
	"github.com/icl-msr/icl-msr/model"
	"github.com/icl-msr/icl-msr/nets"
	"github.com/icl-msr/icl-msr/torch"
)

// swav is Caron et al. 2020 (arXiv 2006.09882): views predict each other's assignment to prototypes. Small views
// predict those of the large ones.
type swav struct{ Base }

func newSwAV(b Base) model.Method { return swav{b} }

const prototypesPart = "prototypes"

func (m swav) Views() []model.View {
	views := m.Base.Views()
	for range m.Count("small_views") {
		views = append(views, model.Small)
	}
	return views
}

// prototypes are 300 unless given; 3000 in the paper, for ImageNet's thousand classes.
func (m swav) prototypes() int64 {
	if len(m.Config.Prototypes) > 0 {
		return m.Config.Prototypes[0]
	}
	return 300
}

func (m swav) Networks(backbone nets.Encoder) (model.Networks, error) {
	prototypes := model.Part{Name: prototypesPart, Net: nets.Prototypes(m.Config.Dim, m.prototypes())}
	n := model.Networks{ViewNorm: m.ViewNorm(), Online: m.Online(backbone, prototypes)}
	for v := range m.queues() {
		n.State = append(n.State, model.QueueSpec(m.queue(v), m.Config.Queue, m.Config.Dim))
	}
	return n, nil
}

// queues is 2, one of earlier embeddings of each of the first two views, or 0. They help if a batch has fewer pictures
// than there are prototypes.
func (m swav) queues() int {
	if m.Config.Queue > 0 {
		return 2
	}
	return 0
}

func (m swav) queue(view int) string { return fmt.Sprintf("queue.%d", view) }

// full reports whether the queues are used: not in the first epochs, and not before they are full of embeddings.
func (m swav) full(s *torch.Scope, p *model.Pass) bool {
	batch := int(s.Size(p.Z[0], 0))
	return m.late(p.Clock) && p.Clock.Step*batch >= int(m.Config.Queue)
}

// late reports whether the run is at the epochs that use queues.
func (m swav) late(c model.Clock) bool {
	return m.queues() > 0 && c.Progress() >= m.Option("queue_from")
}

// CollapsedLoss implements model.CollapseDetector: all prototypes are equally likely.
func (m swav) CollapsedLoss(int) float64 { return math.Log(float64(m.prototypes())) }

// frozen reports whether the prototypes stay as they are.
func (m swav) frozen(c model.Clock) bool { return c.Step < min(m.Count("frozen"), c.Steps/20) }

// Phase implements model.Phased.
func (m swav) Phase(c model.Clock) (phase int) {
	if !m.frozen(c) {
		phase++
	}
	if m.late(c) {
		phase += 2
	}
	return phase
}

func (m swav) Loss(s *torch.Scope, p *model.Pass) torch.Tensor {
	unit := make([]torch.Tensor, len(p.Z))
	for v, z := range p.Z {
		unit[v] = s.Normalize(z)
	}
	scores := p.ApplyAll(s, prototypesPart, unit)
	var earlier []torch.Tensor
	if m.full(s, p) {
		for v := range m.queues() {
			earlier = append(earlier, s.Detach(p.Apply(s, prototypesPart, p.StateTensor(s, m.queue(v)))))
		}
	}
	return losses.SwAV(s, scores, earlier, losses.SwAVConfig{
		Tau:        m.Config.Temperature,
		Epsilon:    m.Option("epsilon"),
		Iterations: m.Count("iterations"),
	})
}

// Contrast adds a queue in use to the negatives of the do-loss.
func (m swav) Contrast(s *torch.Scope, p *model.Pass) losses.Pair {
	if m.full(s, p) {
		return p.PairWithQueue(s, m.queue(0))
	}
	return p.Pair()
}

// Freeze keeps the prototypes as they are in the first steps: assignments that move with them end with all views
// assigned alike.
func (m swav) Freeze(p *model.Pass, grads []torch.Tensor) {
	if m.frozen(p.Clock) {
		clear(p.PartParams(prototypesPart, grads))
	}
}

// Update brings the prototypes back to norm 1, and adds to the queues.
func (m swav) Update(s *torch.Scope, p *model.Pass) {
	w := p.PartParams(prototypesPart, p.Theta)[0]
	s.Copy(w, s.Normalize(w))
	for v := range m.queues() {
		p.Enqueue(s, m.queue(v), p.Z[v])
	}
}
