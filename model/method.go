// Package model is what is trained, and how a step is executed: a method on a backbone ([Model]), one evaluation of it
// on a batch ([Pass]), and the ways to run that: on several ranks, in micro-batches, with recomputation ([Exec]).
//
// A method is any [Method]; package methods has those of the literature. A method says by further interfaces, from
// [Updater] to [Explainer], what more it does: move a queue or prototypes after a step, look at all pictures before an
// epoch, cut or leave out views. A type that embeds a Method does not have its further interfaces: it forwards those
// that it wants.
package model

import (
	"github.com/icl-msr/icl-msr/losses"
	"github.com/icl-msr/icl-msr/nets"
	"github.com/icl-msr/icl-msr/torch"
)

// Method is a self-supervised method: its views, its networks, its loss.
type Method interface {
	// Name is the method's name on the command line.
	Name() string
	// Views are the views of a batch, in order. The do-loss compares the first two.
	Views() []View
	// Networks puts the method's networks on a backbone.
	Networks(backbone nets.Encoder) (Networks, error)
	// Loss is the method's own loss, L_ct, of a pass whose Y and Z are set.
	Loss(s *torch.Scope, p *Pass) torch.Tensor
	// Temperature is tau of the do-loss that MSR adds.
	Temperature() float64
	// Momentum is tau of the target network's moving average at a progress from 0 to 1. It has no meaning without a
	// target network.
	Momentum(progress float64) float64
}

// Updater is a method that moves state of its own after each optimizer step.
type Updater interface {
	Update(s *torch.Scope, p *Pass)
}

// Contraster is a method whose do-loss compares other embeddings than those of the first two views, or has more
// negatives.
type Contraster interface {
	Contrast(s *torch.Scope, p *Pass) losses.Pair
}

// Cutter is a method whose backbone sees patches of the views. Cut maps views [N, 3, S, S] to [N*patches, 3, P, P], a
// picture's patches together.
type Cutter interface {
	Cut(s *torch.Scope, views torch.Tensor) torch.Tensor
}

// Arranger is a method whose compared embeddings are not the projector's outputs, view by view. Arrange makes them of
// those outputs.
type Arranger interface {
	Arrange(s *torch.Scope, y []torch.Tensor) []torch.Tensor
}

// Surveyor is a method that looks at all pictures before an epoch.
type Surveyor interface {
	// Surveys reports whether it does so before the epoch that the clock is at.
	Surveys(c Clock) bool
	// Survey sets the method's state from the embeddings z [pictures, d] of the un-augmented pictures, in the order of
	// the data set. They are the target network's if there is one.
	Survey(s *torch.Scope, p *Pass, z torch.Tensor)
}

// Sparing is a method whose own loss needs only some of the views. Needs reports whether the online and the target
// network must see view v for it.
type Sparing interface {
	Needs(v int) (online, target bool)
}

// Freezer is a method that leaves out some gradients: it sets them to undefined tensors.
type Freezer interface {
	Freeze(p *Pass, grads []torch.Tensor)
}

// Conditional is a method whose loss weighs negatives by Pass.Pair's LogWeights, and that has no others, as a queue's.
type Conditional interface {
	WeighsNegatives()
}

// CollapseDetector is a method that knows its loss for embeddings that are all alike. A loss that stays there has
// learned nothing.
type CollapseDetector interface {
	// CollapsedLoss is that loss for batches of so many pictures; 0: unknown.
	CollapsedLoss(pictures int) float64
}

// Phased is a method whose steps change at certain shares of the run's length. A finished run may be made longer if
// every step that was done would have been in the same phase.
type Phased interface {
	// Phase numbers the kind of step at a clock.
	Phase(c Clock) int
}

// Explainer is a method that knows what a loss that is not finite can mean, besides a learning rate that is too high.
// On the CPU the cause is found in other ways.
type Explainer interface {
	// NotFinite names cause and remedy.
	NotFinite() string
}
