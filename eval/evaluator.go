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
	// Figures are those that it finds, without values, in the order of Score. Studies compare runs by the first one.
	Figures() []Figure
	// Bind binds its settings to flags, whose defaults they are.
	Bind(f Flags)
	// Validate reports the first setting that is wrong.
	Validate() error
	// Fit learns from the features of the training pictures. Its tensors live in s.
	Fit(ctx context.Context, s *torch.Scope, train Features) (Fitted, error)
}

// Fitted is an evaluator that has learned from training pictures. It scores any number of test parts.
type Fitted interface {
	// Score returns the values of the evaluator's figures for test features of the same network. NaN: there is none.
	Score(ctx context.Context, test Features) ([]float64, error)
}

// Checker is an evaluator that knows before there are features that it would fail.
type Checker interface {
	// Check reports what is wrong with a training part.
	Check(train TrainingPart) error
}

// TrainingPart is what is known of training pictures before they are read.
type TrainingPart struct {
	Name     string // of the data set
	Pictures int
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

// Linear returns the settings of the linear probe in the list; nil: it is not there.
func (l List) Linear() *LinearConfig {
	c, _ := l.find((*LinearConfig)(nil).Name()).(*LinearConfig)
	return c
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

// Check reports what would fail with a training part.
func (l List) Check(train TrainingPart) error {
	for _, e := range l {
		if c, ok := e.(Checker); ok {
			if err := c.Check(train); err != nil {
				return err
			}
		}
	}
	return nil
}

// Figures are those of all, without values.
func (l List) Figures() (all []Figure) {
	for _, e := range l {
		for _, f := range e.Figures() {
			f.Evaluator = e.Name()
			all = append(all, f)
		}
	}
	return all
}

// Main are the first figures of each, by which studies compare runs.
func (l List) Main() (first []Figure) {
	for _, f := range l.Figures() {
		if n := len(first); n == 0 || first[n-1].Evaluator != f.Evaluator {
			first = append(first, f)
		}
	}
	return first
}

// Fit fits all.
func (l List) Fit(ctx context.Context, s *torch.Scope, train Features) (FittedList, error) {
	out := FittedList{list: l}
	for _, e := range l {
		f, err := e.Fit(ctx, s, train)
		if err != nil {
			return out, fmt.Errorf("evaluator %s: %w", e.Name(), err)
		}
		out.fitted = append(out.fitted, f)
	}
	return out, nil
}

// FittedList is evaluators that have learned from the same training pictures.
type FittedList struct {
	list   List
	fitted []Fitted
}

// Score returns the figures of all evaluators.
func (l FittedList) Score(ctx context.Context, test Features) ([]Figure, error) {
	all := l.list.Figures()
	var values []float64
	for i, f := range l.fitted {
		name := l.list[i].Name()
		v, err := f.Score(ctx, test)
		if err != nil {
			return nil, fmt.Errorf("evaluator %s: %w", name, err)
		}
		if n := len(l.list[i].Figures()); len(v) != n {
			return nil, fmt.Errorf("evaluator %s: %d values of %d figures", name, len(v), n)
		}
		values = append(values, v...)
	}
	for i := range all {
		all[i].Value = values[i]
	}
	return all, nil
}
