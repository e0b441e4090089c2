package model

import (
	"fmt"

	"github.com/icl-msr/icl-msr/losses"
	"github.com/icl-msr/icl-msr/nets"
	"github.com/icl-msr/icl-msr/torch"
)

// Clock says where a run is. Schedules and random choices of a method depend on it.
type Clock struct {
	Step, Steps   int // optimizer steps done, and of the whole run
	Epoch, Epochs int
	Seed          uint64
}

// Progress is the share of the run that is done.
func (c Clock) Progress() float64 { return float64(c.Step) / float64(max(1, c.Steps)) }

// Batch is a batch of N pictures on the device. In a data-parallel job a rank has its share of n = N/ranks pictures;
// compared embeddings are those of all N pictures on every rank.
type Batch struct {
	Views   []torch.Tensor // [n, 3, S, S] each; S may differ between views
	Plain   torch.Tensor   // [n, 3, S, S] un-augmented, for f_msr
	Indices torch.Tensor   // [N] of the pictures in the data set
	// LogWeights [N, N] weigh pictures as negatives of each other (losses.Pair); undefined: all count alike.
	LogWeights torch.Tensor
	// TargetH [n, dim] and TargetZ [N, d] are the target network's features and embeddings of each view
	// (Pass.Targets).
	TargetH, TargetZ []torch.Tensor
}

// Pass is one evaluation of a model on a batch: its inputs, and what has been computed from them.
//
// In a data-parallel job each rank runs backbone and projector on its own pictures, and the embeddings of all ranks
// are gathered. From there on every rank computes the same: the loss of the whole batch, predictors, queues. A method
// need not know of ranks. The gradients are those of one process with the whole batch (see torch.Group).
type Pass struct {
	*Model
	Exec
	Theta, Buffers, State []torch.Tensor
	Batch                 Batch
	Mode                  nets.Mode
	Clock                 Clock
	WithoutDoLoss         bool         // DoLoss will not be called: views that only it needs are left out
	Space                 Space        // what A multiplies
	A                     torch.Tensor // the weights [n, k, c] of this rank's pictures; undefined without a do-loss

	Y []torch.Tensor // the projector's output for each view [N, d]
	Z []torch.Tensor // the compared embeddings [N, d]: Y, unless the method is an Arranger
	W []torch.Tensor // each view's weighted positives [N*k, d], picture by picture; only if A weighs features

	// overlap says that Theta are leaves of this pass alone: their gradients are summed over ranks during the backward
	// pass.
	overlap bool
	// divided says that gradients by Theta are left as this rank's terms, not summed over ranks.
	divided bool
	// shared is the last result of sharedTheta, and sharedFrom the Theta that it is of.
	shared, sharedFrom []torch.Tensor
	// tape, if not nil, records evaluations of the backbone for recomputation.
	tape *tape
}

// Forward runs the networks and sets Y, Z and W, with a graph where gradients are on.
func (p *Pass) Forward(s *torch.Scope) { p.Join(s, p.forward(s)) }

// Apply runs an online part at Theta. Backbone and projector take this rank's rows, other parts the rows of all ranks.
func (p *Pass) Apply(s *torch.Scope, part string, x torch.Tensor) torch.Tensor {
	return p.apply(s, part, x, p.Mode)
}

// ApplyAll runs an online part on inputs of one shape: all at once, or one by one with ViewNorm PerView.
func (p *Pass) ApplyAll(s *torch.Scope, part string, xs []torch.Tensor) []torch.Tensor {
	if p.networks.ViewNorm == PerView {
		out := make([]torch.Tensor, len(xs))
		for i, x := range xs {
			out[i] = p.Apply(s, part, x)
		}
		return out
	}
	return split(s, p.Apply(s, part, s.Cat(0, xs...)), len(xs))
}

func (p *Pass) apply(s *torch.Scope, part string, x torch.Tensor, mode nets.Mode) torch.Tensor {
	at, ok := p.spans[part]
	if !ok || len(p.Theta) < at.params.end || len(p.Buffers) < at.buffers.end {
		s.Fail(fmt.Errorf("model: %s has no %s among %d parameters", p.Name(), part, len(p.Theta)))
		return torch.Tensor{}
	}
	theta := p.Theta
	if isEncoder(part) {
		theta, mode = p.sharedTheta(s), p.sync(mode)
	}
	return at.net.Forward(s, at.params.of(theta), at.buffers.of(p.Buffers), x, mode)
}

// sharedTheta is Theta for use on this rank's pictures: the gradients of backbone and projector will be summed over
// the ranks.
func (p *Pass) sharedTheta(s *torch.Scope) []torch.Tensor {
	if p.Group == nil || p.divided || len(p.Theta) == 0 {
		return p.Theta
	}
	if len(p.sharedFrom) != len(p.Theta) || &p.sharedFrom[0] != &p.Theta[0] {
		n := min(p.encoderParams(), len(p.Theta))
		p.shared, p.sharedFrom = append(s.Share(p.Group, p.Theta[:n], p.overlap), p.Theta[n:]...), p.Theta
	}
	return p.shared
}

// at is the pass at other parameters. Gradients by them are this rank's terms, not summed over ranks.
func (p *Pass) at(theta []torch.Tensor, mode nets.Mode) *Pass {
	q := *p
	q.Theta, q.Mode, q.divided, q.shared, q.sharedFrom = theta, mode, true, nil, nil
	return &q
}

// StateTensor returns a tensor of the method's own state by name. It fails s if there is none.
func (p *Pass) StateTensor(s *torch.Scope, name string) torch.Tensor {
	for i, spec := range p.state {
		if spec.Name == name && i < len(p.State) {
			return p.State[i]
		}
	}
	s.Fail(fmt.Errorf("model: %s has no state %q", p.Name(), name))
	return torch.Tensor{}
}

// Pair returns the embeddings of the first two views for a loss that compares them. The candidates are the target
// network's embeddings if there is one.
func (p *Pass) Pair() losses.Pair {
	b := losses.NewPair(p.Z[0], p.Z[1])
	b.LogWeights = p.Batch.LogWeights
	if p.networks.Target {
		b.All1, b.All2 = p.Batch.TargetZ[0], p.Batch.TargetZ[1]
	}
	return b
}

// Update moves the state after an optimizer step: the target network's moving average, then the method's own state.
// Theta are the new parameters.
func (p *Pass) Update(s *torch.Scope) {
	defer torch.SetGrad(false)()
	if p.networks.Target {
		tau := p.Momentum(p.Clock.Progress())
		for _, part := range encoderParts() {
			at := p.spans[part]
			nets.EMA(s, at.target.of(p.State), at.params.of(p.Theta), tau)
		}
	}
	if u, ok := p.Method.(Updater); ok {
		u.Update(s, p)
	}
}

// OneGraph reports whether the whole batch can pass the networks in one graph: without micro-batches and recomputation.
func (p *Pass) OneGraph(s *torch.Scope) bool { return !p.Recompute && len(p.microPasses(s)) == 1 }
