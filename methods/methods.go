// Package methods holds the self-supervised methods, one a file: their head and
// their loss. MSR is put on any of them by package meta.
//
// A method of one's own is a [model.Method], most simply one of these with another loss
// (examples/custom_method):
//
//	type spread struct{ model.Method } // of methods.New("simclr", ...)
//
//	func (spread) Loss(s *torch.Scope, p *model.Pass) torch.Tensor {
//		return losses.VICReg(s, p.Z[0], p.Z[1], 25, 25, 0)
//	}
package methods

import (
	"fmt"

	"github.com/icl-msr/icl-msr/model"
	"github.com/icl-msr/icl-msr/nets"
)

func two() []model.View { return []model.View{model.Strong, model.Strong} }

// Config holds what methods share.
type Config struct {
	Temperature float64            // tau
	Hidden      int64              // width of the head's hidden layer; 1024 in the paper
	Dim         int64              // width of the embeddings; 64 on CIFAR, 128 otherwise
	Momentum    float64            // first tau of the target network; 0: the method's own
	Queue       int64              // rows of the queue; 0: the method's own
	Prototypes  []int64            // numbers of prototypes; none: the method's own
	Pictures    int64              // of the data set
	Options     map[string]float64 // the method's own constants (Info.Options), those that are not as in its paper
	// Projector makes the projection head on dim features; nil: nets.NewHead by the options.
	Projector func(dim int64) nets.Encoder
}

// projector is the part of that name.
func (c Config) projector(dim int64) model.Part {
	if c.Projector != nil {
		return model.Part{Name: model.ProjectorPart, Net: c.Projector(dim)}
	}
	return model.Part{Name: model.ProjectorPart, Net: nets.NewHead(dim, c.head())}
}

// online are the backbone, the projector and more parts.
func (c Config) online(backbone nets.Encoder, more ...model.Part) []model.Part {
	return append([]model.Part{{Name: model.BackbonePart, Net: backbone}, c.projector(backbone.Dim())}, more...)
}

// base is what most methods share: two strong views, a projector, the
// configuration's temperature.
type base struct {
	c    Config
	name string
}

func (m base) Name() string               { return m.name }
func (m base) Views() []model.View        { return two() }
func (m base) Temperature() float64       { return m.c.Temperature }
func (m base) Momentum(_ float64) float64 { return m.c.Momentum }
func (m base) Networks(backbone nets.Encoder) (model.Networks, error) {
	return model.Networks{ViewNorm: m.c.viewNorm(), Online: m.c.online(backbone)}, nil
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

// or is x, or otherwise where x is zero.
func or[T int64 | float64](x, otherwise T) T {
	if x == 0 {
		return otherwise
	}
	return x
}
