package nets

import (
	"fmt"
	"math"
)

// Schedule gives the learning rate of every iteration.
type Schedule struct {
	Kind   string  `yaml:"schedule"`   // constant, step or cosine
	LR     float64 `yaml:"lr"`         // the rate after warm-up
	Warmup int     `yaml:"warmup"`     // iterations of linear warm-up: LR*(i+1)/Warmup
	Drops  []int   `yaml:"drops,flow"` // step: epochs before the end at which LR is multiplied by Gamma
	Gamma  float64 `yaml:"drop-gamma"` // step: 0.2 in the paper
	Epochs int     `yaml:"epochs"`     // in all
	Steps  int     `yaml:"-"`          // iterations of an epoch
}

// Schedules returns the kinds of Schedule.
func Schedules() []string { return []string{"step", "cosine", "constant"} }

// Validate reports what is wrong with the schedule.
func (c Schedule) Validate() error {
	switch {
	case c.Kind != "constant" && c.Kind != "step" && c.Kind != "cosine":
		return fmt.Errorf("unknown schedule %q; known: step, cosine, constant", c.Kind)
	case !(c.LR > 0) || c.LR > math.MaxFloat32:
		return fmt.Errorf("learning rate %g; want a positive number", c.LR)
	case c.Warmup < 0 || c.Epochs < 1 || c.Steps < 1:
		return fmt.Errorf("schedule of %d epochs of %d iterations with %d of warm-up", c.Epochs, c.Steps, c.Warmup)
	}
	return nil
}

// At returns the learning rate of iteration i, counted from 0 over the whole run. The paper's schedule is "step": 500
// iterations of warm-up, then a factor of 0.2 at 50 and at 25 epochs before the end. A drop before the first epoch is
// left out.
func (c Schedule) At(i int) float64 {
	lr := c.LR
	switch c.Kind {
	case "step":
		for _, d := range c.Drops {
			if at := c.Epochs - d; at > 0 && i/c.Steps >= at {
				lr *= c.Gamma
			}
		}
	case "cosine":
		total := max(1, c.Epochs*c.Steps-c.Warmup)
		lr *= (1 + math.Cos(math.Pi*min(1, max(0, float64(i-c.Warmup))/float64(total)))) / 2
	}
	if i < c.Warmup {
		lr *= float64(i+1) / float64(c.Warmup)
	}
	return lr
}
