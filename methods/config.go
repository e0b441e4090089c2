package methods

import (
	"github.com/icl-msr/icl-msr/internal/field"
	"github.com/icl-msr/icl-msr/nets"
)

// Config holds what methods share.
type Config struct {
	Temperature float64            `yaml:"temperature"`        // tau
	Hidden      int64              `yaml:"hidden"`             // width of the head's hidden layer; 1024 in the paper
	Dim         int64              `yaml:"dim"`                // width of the embeddings; 64 on CIFAR, 128 otherwise
	Momentum    float64            `yaml:"momentum-target"`    // first tau of the target network; 0: the method's own
	Queue       int64              `yaml:"queue"`              // rows of the queue; 0: the method's own
	Prototypes  []int64            `yaml:"prototypes,flow"`    // numbers of prototypes; nil: the method's own
	Pictures    int64              `yaml:"-"`                  // of the data set
	Options     map[string]float64 `yaml:"method-option,flow"` // constants (Info.Options) that are not the defaults
	// Projector makes the projection head on dim features; nil: nets.NewHead by the options.
	Projector func(dim int64) nets.Encoder `yaml:"-"`
}

// Validate reports what is wrong with the configuration.
func (c Config) Validate() error {
	if !(c.Temperature > 0) || c.Temperature > 1e6 {
		return field.Errorf("{methods.Temperature} %g: want a positive number (0.5 in the paper)", c.Temperature)
	}
	if !(c.Momentum >= 0 && c.Momentum <= 1) {
		return field.Errorf("{methods.Momentum} %g of the target network: want 0 to 1", c.Momentum)
	}
	if c.Queue < 0 {
		return field.Errorf("{methods.Queue} %d: want 0 rows or more", c.Queue)
	}
	for _, n := range c.Prototypes {
		if n < 2 {
			return field.Errorf("{methods.Prototypes} %d: want 2 or more", n)
		}
	}
	if c.Hidden < 1 {
		return field.Errorf("{methods.Hidden} %d: want 1 unit or more", c.Hidden)
	}
	if c.Dim < 1 {
		return field.Errorf("{methods.Dim} %d: want 1 or more", c.Dim)
	}
	return nil
}

// checkProjector reports options that a projector of the caller's own would ignore.
func (c Config) checkProjector() error {
	for _, o := range headOptions() {
		if _, given := c.Options[o.Name]; given && c.Projector != nil {
			return field.Errorf("{methods.Options} %s is of the common projector, and Config.Projector brings another: "+
				"leave one out", o.Name)
		}
	}
	return nil
}
