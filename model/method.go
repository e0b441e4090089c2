// Package model is what is trained and how a step of it is executed: a method on a
// backbone ([Model]), one evaluation of it on a batch ([Pass]), its gradient in one
// or two passes over the networks, on one rank or many.
//
// A method is anything with the methods of [Method]; package methods has those of
// the literature. What more a method may do (move a queue or prototypes after a
// step, look at all pictures, cut or leave out views) it says by the interfaces
// from [Updater] to [Explainer]. To embed a Method does not bring the other's
// along: a method that wants them forwards them.
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
	// Views are the views that a batch holds, in order. The first two are those
	// that the do-loss compares.
	Views() []View
	// Networks puts the method's networks on a backbone.
	Networks(backbone nets.Encoder) (Networks, error)
	// Loss is the method's own loss, L_ct, of a pass whose Y and Z are there.
	Loss(s *torch.Scope, p *Pass) torch.Tensor
	// Temperature is tau of the do-loss that MSR adds.
	Temperature() float64
	// Momentum is tau of the target network's moving average at a progress from
	// 0 to 1; of no meaning without a target.
	Momentum(progress float64) float64
}

// Updater is a method that moves a state of its own after each optimizer step.
type Updater interface {
	Update(s *torch.Scope, p *Pass)
}

// Contraster is a method whose do-loss compares other embeddings than those of
// the first two views, or has more negatives.
type Contraster interface {
	Contrast(s *torch.Scope, p *Pass) losses.Batch
}

// Cutter is a method whose backbone sees parts of the views: Cut maps views
// [N, 3, S, S] to [N*parts, 3, P, P], a picture's parts together.
type Cutter interface {
	Cut(s *torch.Scope, views torch.Tensor) torch.Tensor
}

// Arranger is a method that does not compare views one by one: Arrange makes the
// compared embeddings of what the projector gave for each view.
type Arranger interface {
	Arrange(s *torch.Scope, y []torch.Tensor) []torch.Tensor
}

// Surveyor is a method that looks at all pictures before an epoch.
type Surveyor interface {
	// Surveys reports whether it does so before the epoch that the clock is at.
	Surveys(c Clock) bool
	// Survey sets the method's state from the embeddings z [pictures, d] of the
	// un-augmented pictures in the data set's order, by the target network where
	// there is one.
	Survey(s *torch.Scope, p *Pass, z torch.Tensor)
}

// Sparing is a method whose own loss needs only some of the views: Needs reports
// whether the online and the target network must see view v for it.
type Sparing interface {
	Needs(v int) (online, target bool)
}

// Freezer is a method that leaves some gradients out: it sets those of theta
// that are not to be used to none.
type Freezer interface {
	Freeze(p *Pass, grads []torch.Tensor)
}

// Blind is a method that knows its loss, with batches of so many pictures, of embeddings that are all alike. A loss
// that stays there has learned nothing. 0: it does not know.
type Blind interface {
	Blind(pictures int) float64
}

// Phased is a method whose steps change at shares of the run's length: Phase numbers what they are at a clock. A run
// may be made longer as long as no step that is done would have been in another phase.
type Phased interface {
	Phase(c Clock) int
}

// Explainer is a method that knows what a loss that is not finite can mean, besides
// a rate that is too high: NotFinite names cause and remedy. On the CPU it is found
// in other ways.
type Explainer interface {
	NotFinite() string
}
