// Package methods holds the self-supervised methods of the literature, one a file: its head and its loss. Package meta
// puts MSR on any of them.
//
// A method of your own is a [model.Method]. The simplest one is a method of this package with another loss:
//
//	type spread struct{ model.Method } // of methods.New("simclr", ...)
//
//	func (spread) Loss(s *torch.Scope, p *model.Pass) torch.Tensor {
//		return losses.VICReg(s, p.Z[0], p.Z[1], 25, 25, 0)
//	}
//
// One with options, or with other networks, embeds a [Base], as the methods here do (examples/custom_method).
package methods

import (
	"github.com/icl-msr/icl-msr/internal/suggest"
	"github.com/icl-msr/icl-msr/model"
)

// Info describes a method in lists.
type Info struct {
	Name, Paper string
	Recipe      Recipe
	Options     []Option
	OwnHead     bool // it has not the common projector
	OneView     bool // of a picture
	NoNegatives bool // its own loss has no negatives, so that any L_msr adds a contrastive term
}

// Recipe are a method's constants: what its name sets unless they are given.
type Recipe struct {
	Lambda, Gamma float64 // of MSR on it: the paper's, section 6.3, if its tables have the method
	Temperature   float64 // tau, of the method and of the do-loss on it
}

// All lists the methods that New knows.
func All() []Info {
	var out []Info
	for _, e := range registry() {
		out = append(out, e.Info)
	}
	return out
}

// Names lists the names that New knows.
func Names() []string {
	var out []string
	for _, i := range All() {
		out = append(out, i.Name)
	}
	return out
}

// WithoutNegatives lists the methods whose own loss has no negatives, so that any L_msr adds a contrastive term.
func WithoutNegatives() []string {
	var out []string
	for _, i := range All() {
		if i.NoNegatives {
			out = append(out, i.Name)
		}
	}
	return out
}

// RecipeOf returns the constants of a method; those of SimCLR for an unknown one.
func RecipeOf(name string) Recipe {
	all := All()
	for _, i := range all {
		if i.Name == name {
			return i.Recipe
		}
	}
	return all[0].Recipe
}

// New builds a method by name. A method of your own needs no name here: any model.Method goes into model.New.
func New(name string, c Config) (model.Method, error) {
	for _, e := range registry() {
		if e.Name != name {
			continue
		}
		b, err := e.base(c)
		if err != nil {
			return nil, err
		}
		return e.build(b), nil
	}
	if err := c.Validate(); err != nil {
		return nil, err
	}
	return nil, suggest.Unknown("method", name, Names())
}
