package model

import (
	"fmt"

	"github.com/icl-msr/icl-msr/losses"
	"github.com/icl-msr/icl-msr/nets"
	"github.com/icl-msr/icl-msr/torch"
)

// Clock says where a run is: what schedules and random choices of a method
// depend on.
type Clock struct {
	Step, Steps   int // optimizer steps done, and of the whole run
	Epoch, Epochs int
	Seed          uint64
}

// Progress is the share of the run that is done.
func (c Clock) Progress() float64 { return float64(c.Step) / float64(max(1, c.Steps)) }

// Batch is a batch of N pictures on the device. In a data-parallel job pictures,
// features and what is made of each alone are this rank's share of n = N/ranks;
// the embeddings that are compared are those of all N on every rank.
type Batch struct {
	Views            []torch.Tensor // [n, 3, S, S] each; S may differ
	Plain            torch.Tensor   // [n, 3, S, S] un-augmented, for f_msr
	TargetH, TargetZ []torch.Tensor // what the target network makes of the views (Pass.Targets): [n, dim], [N, d]
	Indices          torch.Tensor   // [N] of the pictures in the data set
}

// Pass is one evaluation of a model on a batch: what it depends on, and what
// has been computed of it.
//
// In a data-parallel job each rank runs backbone and projector on its own
// pictures, with batch norms over those of all ranks, and the embeddings of all
// are gathered. From there on every rank computes the same: the loss of the whole
// batch, what further parts make of it, queues and statistics. No method has to
// know. The gradients that come out are those of one process with the whole
// batch (see torch.Group).
type Pass struct {
	*Model
	Theta, Buffers, State []torch.Tensor
	Batch                 Batch
	Mode                  nets.Mode
	Clock                 Clock
	OwnLoss               bool // there will be no do-loss: views that L_ct does not need are left out
	Group                 *torch.Group
	Space                 Space        // what A multiplies
	A                     torch.Tensor // the weights [n, k, c] of this rank's pictures, for the do-loss; none where there is none
	Micro                 int64        // pictures of this rank that the networks see at a time (Gradient); 0: all
	Recompute             bool         // Gradient keeps the inputs of the backbone's stages alone, and runs each once more
	LocalNorm             bool         // batch norms take this rank's pictures only

	Y []torch.Tensor // what the projector makes of each view [N, d]
	Z []torch.Tensor // the embeddings that are compared [N, d]: Y, unless the method arranges them
	W []torch.Tensor // the weighted positives of each [N*k, d], a picture's together; only where A weighs features

	overlap          bool           // Theta are leaves of this pass alone: their gradients are summed over ranks while others are computed
	apart            bool           // Theta are this rank's own: their gradients are not summed over ranks
	shared, sharedOf []torch.Tensor // what own returned last, and of which Theta
	tape             *tape          // where the backbone's evaluations are checkpointed
}

// cut is what the backbone sees of views.
func (p *Pass) cut(s *torch.Scope, x torch.Tensor) torch.Tensor {
	if c, ok := p.Method.(Cutter); ok {
		return c.Cut(s, x)
	}
	return x
}

// arrange is the embeddings that are compared, of what the projector gave.
func (p *Pass) arrange(s *torch.Scope, y []torch.Tensor) []torch.Tensor {
	if a, ok := p.Method.(Arranger); ok {
		return a.Arrange(s, y)
	}
	return y
}

// stack puts views under each other.
func (p *Pass) stack(s *torch.Scope, group []int) torch.Tensor {
	views := make([]torch.Tensor, len(group))
	for k, v := range group {
		views[k] = p.Batch.Views[v]
	}
	return s.Cat(0, views...)
}

// groups are the views that a network sees together, and so with one batch
// norm: neighbours of one size and kind, or each view alone. Views that are not
// needed are left out.
func (p *Pass) groups(s *torch.Scope, target bool) (out [][]int) {
	kinds := p.Views()
	sparing, _ := p.Method.(Sparing)
	same := func(a, b int) bool {
		return s.Size(p.Batch.Views[a], -1) == s.Size(p.Batch.Views[b], -1) && (a >= len(kinds) || b >= len(kinds) || kinds[a] == kinds[b])
	}
	for v := range p.Batch.Views {
		if p.OwnLoss && sparing != nil {
			if online, constant := sparing.Needs(v); target && !constant || !target && !online {
				continue
			}
		}
		if last := len(out) - 1; last >= 0 && p.networks.ViewNorm != Apart && same(out[last][0], v) {
			out[last] = append(out[last], v)
		} else {
			out = append(out, []int{v})
		}
	}
	return out
}

// runner runs a part of the online or of the target network.
type runner func(s *torch.Scope, part string, x torch.Tensor, mode nets.Mode) torch.Tensor

// split takes rows apart into n equal parts; after an error they are none.
func split(s *torch.Scope, x torch.Tensor, n int) []torch.Tensor {
	out := make([]torch.Tensor, n)
	rows := s.Size(x, 0) / int64(n)
	for k := range out {
		out[k] = s.Narrow(x, 0, int64(k)*rows, rows)
	}
	return out
}

// Apply runs a part with the online parameters.
func (p *Pass) Apply(s *torch.Scope, part string, x torch.Tensor) torch.Tensor {
	return p.apply(s, part, x, p.Mode)
}

func (p *Pass) apply(s *torch.Scope, part string, x torch.Tensor, mode nets.Mode) torch.Tensor {
	at, ok := p.spans[part]
	if !ok || len(p.Theta) < at.p+at.np || len(p.Buffers) < at.b+at.nb {
		s.Fail(fmt.Errorf("model: %s has no %s among %d parameters", p.Name(), part, len(p.Theta)))
		return torch.Tensor{}
	}
	theta := p.Theta
	if part == BackbonePart || part == ProjectorPart {
		theta, mode = p.own(s), mode.SyncOver(Norms(p.Group, p.LocalNorm))
	}
	return at.net.Forward(s, theta[at.p:at.p+at.np], p.Buffers[at.b:at.b+at.nb], x, mode)
}

// own is theta for use on this rank's own pictures.
func (p *Pass) own(s *torch.Scope) []torch.Tensor {
	if p.Group == nil || p.apart || len(p.Theta) == 0 {
		return p.Theta
	}
	if len(p.sharedOf) != len(p.Theta) || &p.sharedOf[0] != &p.Theta[0] {
		n := min(p.local(), len(p.Theta))
		p.shared, p.sharedOf = append(s.Share(p.Group, p.Theta[:n], p.overlap), p.Theta[n:]...), p.Theta
	}
	return p.shared
}

// ApplyAll runs a part on several inputs of one shape, at once unless views are
// to be apart.
func (p *Pass) ApplyAll(s *torch.Scope, part string, xs []torch.Tensor) []torch.Tensor {
	if p.networks.ViewNorm == Apart {
		out := make([]torch.Tensor, len(xs))
		for i, x := range xs {
			out[i] = p.Apply(s, part, x)
		}
		return out
	}
	return split(s, p.Apply(s, part, s.Cat(0, xs...)), len(xs))
}

func (p *Pass) applyTarget(s *torch.Scope, part string, x torch.Tensor, mode nets.Mode) torch.Tensor {
	at := p.spans[part]
	b := p.target + at.buffer
	return at.net.Forward(s, p.State[at.target:at.target+at.np], p.State[b:b+at.nb], x, mode.SyncOver(Norms(p.Group, p.LocalNorm)))
}

// Embed maps this rank's pictures to their embeddings [n, d] by the target network, where there is
// one, with its running statistics and without a graph.
func (p *Pass) Embed(s *torch.Scope, x torch.Tensor) torch.Tensor {
	defer torch.SetGrad(false)()
	run := p.apply
	if p.networks.Target {
		run = p.applyTarget
	}
	return run(s, ProjectorPart, run(s, BackbonePart, x, nets.Eval()), nets.Eval())
}

// StateTensor returns a tensor of the method's own state by name.
func (p *Pass) StateTensor(s *torch.Scope, name string) torch.Tensor {
	for i, spec := range p.state {
		if spec.Name == name && i < len(p.State) {
			return p.State[i]
		}
	}
	s.Fail(fmt.Errorf("model: %s has no state %q", p.Name(), name))
	return torch.Tensor{}
}

// Pair is the batch of embeddings of the first two views, whose candidates are
// the target's embeddings where there is a target.
func (p *Pass) Pair() losses.Batch {
	b := losses.Local(p.Z[0], p.Z[1])
	if p.networks.Target {
		b.All1, b.All2 = p.Batch.TargetZ[0], p.Batch.TargetZ[1]
	}
	return b
}

// Update moves the state after an optimizer step: the target network by its
// moving average, then what is the method's own. p.Theta are the new
// parameters.
func (p *Pass) Update(s *torch.Scope) {
	defer torch.SetGrad(false)()
	if p.networks.Target {
		tau := p.Momentum(p.Clock.Progress())
		for _, name := range []string{BackbonePart, ProjectorPart} {
			at := p.spans[name]
			nets.EMA(s, p.State[at.target:at.target+at.np], p.Theta[at.p:at.p+at.np], tau)
		}
	}
	if u, ok := p.Method.(Updater); ok {
		u.Update(s, p)
	}
}
