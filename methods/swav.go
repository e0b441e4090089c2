package methods

import (
	"fmt"
	"math"

	"github.com/icl-msr/icl-msr/model"
	"github.com/icl-msr/icl-msr/torch"

	"github.com/icl-msr/icl-msr/losses"
	"github.com/icl-msr/icl-msr/nets"
)

// swav is Caron et al. 2020: views predict each other's assignment to
// prototypes; small views predict those of the large ones.
type swav struct{ base }

func newSwAV(c Config) model.Method { return swav{base{c, "swav"}} }

const prototypesPart = "prototypes"

func (m swav) Views() []model.View {
	views := two()
	for range m.c.count("small_views") {
		views = append(views, model.Small)
	}
	return views
}

// prototypes are 300 unless given; 3000 in the paper, for ImageNet's thousand
// classes.
func (m swav) prototypes() int64 {
	if len(m.c.Prototypes) > 0 {
		return m.c.Prototypes[0]
	}
	return 300
}

func (m swav) Networks(backbone nets.Encoder) (model.Networks, error) {
	n := model.Networks{ViewNorm: m.c.viewNorm(), Online: m.c.online(backbone, model.Part{Name: prototypesPart, Net: nets.Prototypes(m.c.Dim, m.prototypes())})}
	for v := range m.queues() {
		n.State = append(n.State, model.QueueSpec(m.queue(v), m.c.Queue, m.c.Dim))
	}
	return n, nil
}

// queues is 2, one of each of the first two views' earlier embeddings, or none:
// they help where a batch has fewer pictures than there are prototypes.
func (m swav) queues() int {
	if m.c.Queue > 0 {
		return 2
	}
	return 0
}

func (m swav) queue(view int) string { return fmt.Sprintf("queue.%d", view) }

// full reports whether the queues are used: not in the first epochs, and not
// before they are full of embeddings.
func (m swav) full(s *torch.Scope, p *model.Pass) bool {
	batch := int(s.Size(p.Z[0], 0))
	return m.late(p.Clock) && p.Clock.Step*batch >= int(m.c.Queue)
}

// late says that the run has come to where queues are used.
func (m swav) late(c model.Clock) bool {
	return m.queues() > 0 && c.Progress() >= m.c.option("queue_from")
}

// Blind implements Blind: prototypes that are all alike are guessed.
func (m swav) Blind(int) float64 { return math.Log(float64(m.prototypes())) }

// frozen says that the prototypes stay as they are.
func (m swav) frozen(c model.Clock) bool { return c.Step < min(m.c.count("frozen"), c.Steps/20) }

// Phase implements Phased.
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
	return losses.SwAV(s, scores, earlier, losses.SwAVConfig{Tau: m.c.Temperature, Epsilon: m.c.option("epsilon"), Iterations: m.c.count("iterations")})
}

// Contrast adds a queue in use to the negatives of the do-loss.
func (m swav) Contrast(s *torch.Scope, p *model.Pass) losses.Batch {
	b := p.Pair()
	if m.full(s, p) {
		b.Queue = p.StateTensor(s, m.queue(0))
	}
	return b
}

// Freeze keeps the prototypes as they are in the first iterations: assignments
// that move with them end where all are equal.
func (m swav) Freeze(p *model.Pass, grads []torch.Tensor) {
	if !m.frozen(p.Clock) {
		return
	}
	clear(p.PartParams(prototypesPart, grads))
}

// Update brings the prototypes back to norm 1, and moves the queues on.
func (m swav) Update(s *torch.Scope, p *model.Pass) {
	w := p.PartParams(prototypesPart, p.Theta)[0]
	s.Copy(w, s.Normalize(w))
	for v := range m.queues() {
		p.Enqueue(s, m.queue(v), p.Z[v])
	}
}
