package interventions

import (
	"context"
	"math"
	"slices"

	"github.com/sugarme/gotch"

	"github.com/icl-msr/icl-msr/datasets"
	"github.com/icl-msr/icl-msr/internal/field"
	"github.com/icl-msr/icl-msr/internal/suggest"
	"github.com/icl-msr/icl-msr/torch"
)

// Info describes an intervention. To add one, write a file and a row in Interventions.
type Info struct {
	Name, About, Paper string
	Options            []Option
	build              func(ctx context.Context, o Options, in Setting, e *Effects) error
}

// Option is a numeric setting of an intervention.
type Option struct {
	Name        string
	Default     float64
	Least, Most float64
	Whole       bool
	About       string
}

// Interventions lists the interventions, one in each row.
func Interventions() []Info {
	return []Info{
		swapInfo(),
		strataInfo(),
		negativesInfo(),
	}
}

// Options are the settings of interventions. The zero value has no interventions.
type Options struct {
	Names   []string           `yaml:"intervene,flow"`        // names from Interventions
	Numbers map[string]float64 `yaml:"intervene-option,flow"` // by Option.Name; an absent one has its default
	Masks   string             `yaml:"masks"`                 // an estimator's name, or KnownMasks
	MaskDir string             `yaml:"mask-dir"`              // folder of masks (Folder), in place of Masks; "": none
	Strata  string             `yaml:"strata"`                // BorderStrata, KnownBackgrounds, or a file (ReadStrata)
}

// DefaultOptions have no interventions. An intervention that is then named needs nothing but the pictures.
func DefaultOptions() Options { return Options{Masks: "cut", Strata: BorderStrata} }

// Setting describes the training that interventions are built for.
type Setting struct {
	Dataset datasets.Dataset
	Batch   int // pictures of a step, over all processes
	Seed    uint64
	Workers int // goroutines that read pictures; 0: one for each core
}

// Effects hold what interventions change in a training. A nil field changes nothing.
type Effects struct {
	Pictures Keeper                   // LoaderOptions.Intervene
	Order    func(epoch uint64) []int // LoaderOptions.Order
	Weights  *NegativeWeights         // weights of negatives, for methods that use them
	Notes    []string                 // lines for people to read
}

// Keeper is an intervention on pictures that also works on a device that keeps all pictures.
type Keeper interface {
	datasets.Intervention
	// Keep prepares the intervention for the pictures that the device keeps. The tensors belong to s.
	Keep(ctx context.Context, s *torch.Scope, device gotch.Device, workers int) (*Kept, error)
}

// Names lists the names of the interventions.
func Names() (names []string) {
	for _, i := range Interventions() {
		names = append(names, i.Name)
	}
	return names
}

// chosen returns the interventions that o names.
func (o Options) chosen() (out []Info, err error) {
	for k, name := range o.Names {
		if slices.Contains(o.Names[:k], name) {
			return nil, field.Errorf("{interventions.Names} names %s twice", name)
		}
		at := slices.IndexFunc(Interventions(), func(i Info) bool { return i.Name == name })
		if at < 0 {
			return nil, suggest.Unknown("{interventions.Names}", name, Names())
		}
		out = append(out, Interventions()[at])
	}
	return out, nil
}

// Validate returns an error about the first wrong setting. It does not look at pictures.
func (o Options) Validate() error {
	chosen, err := o.chosen()
	if err != nil {
		return err
	}
	var known []string
	for _, i := range chosen {
		for _, q := range i.Options {
			known = append(known, q.Name)
			if err := q.check(o.number(q)); err != nil {
				return err
			}
		}
	}
	for name, v := range o.Numbers {
		if len(chosen) == 0 {
			return field.Errorf("{interventions.Numbers} %s=%g: no {interventions.Names} is given that has it", name, v)
		}
		if !slices.Contains(known, name) {
			return suggest.Unknown("{interventions.Numbers}", name, known)
		}
	}
	return o.checkMasks()
}

// Only returns o with these interventions. Settings that only other interventions use get their defaults.
func (o Options) Only(names ...string) Options {
	numbers := map[string]float64{}
	for _, i := range Interventions() {
		for _, q := range i.Options {
			if v, given := o.Numbers[q.Name]; given && slices.Contains(names, i.Name) {
				numbers[q.Name] = v
			}
		}
	}
	o.Names, o.Numbers = names, nil
	if len(numbers) > 0 {
		o.Numbers = numbers
	}
	if !o.Has("swap") {
		o.Masks, o.MaskDir = DefaultOptions().Masks, ""
	}
	if !o.Has("strata") && !o.Has("negatives") {
		o.Strata = DefaultOptions().Strata
	}
	return o
}

// Has reports whether o names an intervention.
func (o Options) Has(name string) bool { return slices.Contains(o.Names, name) }

func (q Option) check(v float64) error {
	kind := "a number"
	if q.Whole {
		kind = "a whole number"
	}
	if !(v >= q.Least && v <= q.Most) || q.Whole && v != math.Trunc(v) {
		return field.Errorf("{interventions.Numbers} %s=%g: want %s from %g to %g", q.Name, v, kind, q.Least, q.Most)
	}
	return nil
}

// number returns the value of an option.
func (o Options) number(q Option) float64 {
	if v, ok := o.Numbers[q.Name]; ok {
		return v
	}
	return q.Default
}

// numbers returns the values of an intervention's options.
func (i Info) numbers(o Options) map[string]float64 {
	out := map[string]float64{}
	for _, q := range i.Options {
		out[q.Name] = o.number(q)
	}
	return out
}

// New builds the interventions that o names.
func New(ctx context.Context, o Options, in Setting) (e Effects, err error) {
	if err := o.Validate(); err != nil {
		return e, err
	}
	chosen, err := o.chosen()
	if err != nil {
		return e, err
	}
	for _, i := range chosen {
		if err := i.build(ctx, o, in, &e); err != nil {
			return e, field.Errorf("{interventions.Names} %s: %w", i.Name, err)
		}
	}
	return e, nil
}
