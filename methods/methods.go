// Package methods holds the self-supervised methods, one a file: their head and
// their loss. MSR is put on any of them by package meta.
//
// A method of one's own is a [Method], most simply one of these with another loss
// (examples/custom_method):
//
//	type spread struct{ methods.Method } // of methods.New("simclr", ...)
//
//	func (spread) Loss(s *methods.Scope, p *methods.Pass) methods.Tensor {
//		return losses.VICReg(s, p.Z[0], p.Z[1], 25, 25, 0)
//	}
//
// What more a method may do (move a queue or prototypes after a step, look at all
// pictures, cut or leave out views) it says by the interfaces below, from Updater
// to Explainer. To embed a Method does not bring the other's along: a method that
// wants them forwards them.
package methods

import (
	"fmt"

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

// View says how a view of a picture is made.
type View string

// The kinds of views. What each is depends on the data set's augmentation.
const (
	Strong View = "strong" // the augmentation of section 6.2
	Weak   View = "weak"   // crop and flip alone
	Small  View = "small"  // a smaller crop of a smaller share of the picture (multi-crop)
	Lab    View = "lab"    // strong, in the colours L, a, b; un-augmented pictures are then, too
	Rand   View = "rand"   // strong, with RandAugment (InfoMin)
)

func two() []View { return []View{Strong, Strong} }

// Config holds what methods share.
type Config struct {
	Temperature float64            `yaml:"temperature"`        // tau
	Hidden      int64              `yaml:"hidden"`             // width of the head's hidden layer; 1024 in the paper
	Dim         int64              `yaml:"dim"`                // width of the embeddings; 64 on CIFAR, 128 otherwise
	Momentum    float64            `yaml:"momentum-target"`    // first tau of the target network; 0: the method's own
	Queue       int64              `yaml:"queue"`              // rows of the queue; 0: the method's own
	Prototypes  []int64            `yaml:"prototypes,flow"`    // numbers of prototypes; none: the method's own
	Pictures    int64              `yaml:"-"`                  // of the data set
	Options     map[string]float64 `yaml:"method-option,flow"` // the method's own constants (Info.Options), those that are not as in its paper
	// Projector makes the projection head on dim features; nil: nets.NewHead by the options.
	Projector func(dim int64) nets.Encoder `yaml:"-"`
}

// projector is the part of that name.
func (c Config) projector(dim int64) Part {
	if c.Projector != nil {
		return Part{ProjectorPart, c.Projector(dim)}
	}
	return Part{ProjectorPart, nets.NewHead(dim, c.head())}
}

// online are the backbone, the projector and more parts.
func (c Config) online(backbone nets.Encoder, more ...Part) []Part {
	return append([]Part{{BackbonePart, backbone}, c.projector(backbone.Dim())}, more...)
}

// base is what most methods share: two strong views, a projector, the
// configuration's temperature.
type base struct {
	c    Config
	name string
}

func (m base) Name() string               { return m.name }
func (m base) Views() []View              { return two() }
func (m base) Temperature() float64       { return m.c.Temperature }
func (m base) Momentum(_ float64) float64 { return m.c.Momentum }
func (m base) Networks(backbone nets.Encoder) (Networks, error) {
	return Networks{ViewNorm: m.c.viewNorm(), Online: m.c.online(backbone)}, nil
}

// Validate reports what is wrong with the configuration.
func (c Config) Validate() error {
	if !(c.Temperature > 0) || c.Temperature > 1e6 {
		return fmt.Errorf("temperature %g; want a positive number (0.5 in the paper)", c.Temperature)
	}
	if !(c.Momentum >= 0 && c.Momentum <= 1) {
		return fmt.Errorf("momentum %g of the target network; want 0 to 1", c.Momentum)
	}
	if c.Queue < 0 {
		return fmt.Errorf("queue of %d rows; want 0 or more", c.Queue)
	}
	for _, n := range c.Prototypes {
		if n < 2 {
			return fmt.Errorf("%d prototypes; want 2 or more", n)
		}
	}
	if c.Hidden < 1 || c.Dim < 1 {
		return fmt.Errorf("head of %d hidden units and %d outputs; want positive numbers", c.Hidden, c.Dim)
	}
	return nil
}
