package eval

import (
	"cmp"
	"fmt"
	"math"
)

// Figure is a number that an evaluator finds.
type Figure struct {
	Evaluator string  // its name
	Name      string  // in files; empty if the evaluator has one figure, which is then called as the evaluator
	Title     string  // in the table of one network, as "linear top-1"; empty: in files only
	Short     string  // in tables of many runs, as "linear"; empty: Title
	Long      string  // in captions, as "linear probe"; empty: as in tables of many runs
	Value     float64 // NaN: there is none
	Share     bool    // Value is a share from 0 to 1, which is shown in percent
}

// Key names the figure among those of all evaluators, as "linear.top1".
func (f Figure) Key() string {
	if f.Name == "" {
		return f.Evaluator
	}
	return f.Evaluator + "." + f.Name
}

// Heading is the figure's name in tables of many runs.
func (f Figure) Heading() string { return cmp.Or(f.Short, f.Title) }

// Caption is the figure's name in captions.
func (f Figure) Caption() string { return cmp.Or(f.Long, f.Heading()) }

// String is the value for people: "71.25%", "0.5312", or "-" if there is none.
func (f Figure) String() string {
	switch {
	case math.IsNaN(f.Value):
		return "-"
	case f.Share:
		return fmt.Sprintf("%.2f%%", 100*f.Value)
	}
	return fmt.Sprintf("%.4g", f.Value)
}
