package train

import (
	"io"

	"github.com/icl-msr/icl-msr/internal/field"
	"github.com/icl-msr/icl-msr/nets"
)

// schedule returns the learning rate's schedule for epochs of so many steps.
func (c *Config) schedule(steps int) nets.Schedule {
	s := c.Schedule
	s.LR, s.Steps = c.Rate(), steps
	return s
}

// tellWarmup prints a line if the warm-up is longer than the run.
func tellWarmup(w io.Writer, s nets.Schedule) {
	if total := s.Epochs * s.Steps; s.Warmup > total {
		field.Fprintf(w, "{nets.Warmup} %d is longer than the run of %d steps: the learning rate ends at %.3g and "+
			"never comes to %.3g; give a smaller {nets.Warmup}\n", s.Warmup, total, s.At(total-1), s.LR)
	}
}
