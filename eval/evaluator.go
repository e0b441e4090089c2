package eval

import (
	"context"
	"errors"
	"fmt"

	"github.com/icl-msr/icl-msr/internal/suggest"
	"github.com/icl-msr/icl-msr/torch"
)

// Evaluator tells how good features are. It holds its settings. Adding one takes a file and a row in Evaluators.
type Evaluator interface {
	// Name is what lists and files call it.
	Name() string
	// Bind binds its settings to flags, whose defaults they are.
	Bind(f Flags)
	// Validate reports the first setting that is wrong.
	Validate() error
	// Fit learns from the features of the training pictures. Its tensors live in s.
	Fit(ctx context.Context, s *torch.Scope, train Features) (Fitted, error)
}

// Fitted is an evaluator that has learned from training pictures. It scores any number of test parts.
type Fitted interface {
	// Score returns figures of test features of the same network: the same ones, in the same order, for each part.
	Score(ctx context.Context, test Features) ([]Figure, error)
}

// Checker is an evaluator that knows before there are features that it would fail.
type Checker interface {
	// Check reports what is wrong with so many training pictures of so many classes.
	Check(pictures, classes int) error
}

// Figure is a number that an evaluator finds.
type Figure struct {
	Evaluator string  `json:"evaluator"` // its name
	Name      string  `json:"name"`      // in files; an evaluator has one figure of a name
	Title     string  `json:"title"`     // in tables
	Value     float64 `json:"value"`
	Share     bool    `json:"share,omitempty"` // Value is a share from 0 to 1, which String shows in percent
}

// Key names the figure among those of all evaluators, as "linear.top1".
func (f Figure) Key() string { return f.Evaluator + "." + f.Name }

// String is the value for people: "71.25%" or "0.5312".
func (f Figure) String() string {
	if f.Share {
		return fmt.Sprintf("%.2f%%", 100*f.Value)
	}
	return fmt.Sprintf("%.4g", f.Value)
}

// Flags is a set of flags, as flag.FlagSet and pflag.FlagSet.
type Flags interface {
	BoolVar(p *bool, name string, value bool, usage string)
	IntVar(p *int, name string, value int, usage string)
	Uint64Var(p *uint64, name string, value uint64, usage string)
	Float64Var(p *float64, name string, value float64, usage string)
	StringVar(p *string, name string, value string, usage string)
}

// Evaluators returns the evaluators with the paper's settings, one a row.
func Evaluators() List {
	linear, knn := DefaultLinear(), DefaultKNN()
	return List{
		&linear,
		&knn,
	}
}

// List is evaluators in the order of their figures.
type List []Evaluator

// Pick returns the evaluators of these names, in the order of the names.
func (l List) Pick(names ...string) (List, error) {
	var out List
	for _, name := range names {
		e := l.find(name)
		if e == nil {
			return nil, suggest.Unknown("evaluator", name, l.Names())
		}
		out = append(out, e)
	}
	return out, nil
}

func (l List) find(name string) Evaluator {
	for _, e := range l {
		if e.Name() == name {
			return e
		}
	}
	return nil
}

// Names lists the evaluators.
func (l List) Names() (names []string) {
	for _, e := range l {
		names = append(names, e.Name())
	}
	return names
}

// Bind binds the settings of all.
func (l List) Bind(f Flags) {
	for _, e := range l {
		e.Bind(f)
	}
}

// Validate reports every setting that is wrong.
func (l List) Validate() error {
	var errs []error
	for _, e := range l {
		errs = append(errs, e.Validate())
	}
	return errors.Join(errs...)
}

// Check reports what would fail with so many training pictures of so many classes.
func (l List) Check(pictures, classes int) error {
	for _, e := range l {
		if c, ok := e.(Checker); ok {
			if err := c.Check(pictures, classes); err != nil {
				return err
			}
		}
	}
	return nil
}

// Fit fits all. The figures of Score name their evaluators.
func (l List) Fit(ctx context.Context, s *torch.Scope, train Features) (Fitted, error) {
	out := fittedList{list: l}
	for _, e := range l {
		f, err := e.Fit(ctx, s, train)
		if err != nil {
			return nil, fmt.Errorf("evaluator %s: %w", e.Name(), err)
		}
		out.fitted = append(out.fitted, f)
	}
	return out, nil
}

type fittedList struct {
	list   List
	fitted []Fitted
}

// Score implements Fitted.
func (l fittedList) Score(ctx context.Context, test Features) (all []Figure, err error) {
	for i, f := range l.fitted {
		figures, err := f.Score(ctx, test)
		if err != nil {
			return nil, fmt.Errorf("evaluator %s: %w", l.list[i].Name(), err)
		}
		for _, figure := range figures {
			figure.Evaluator = l.list[i].Name()
			all = append(all, figure)
		}
	}
	return all, nil
}
