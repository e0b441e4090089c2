package experiment

import (
	"context"
	"slices"
	"strings"

	"github.com/icl-msr/icl-msr/internal/usage"
	"github.com/icl-msr/icl-msr/methods"
	"github.com/icl-msr/icl-msr/train"
)

// Comparison is a grid of methods. Each is run without MSR, with MSR and with MSR's ablations.
type Comparison struct {
	Study
	Methods, Ablations []string
	MSR                string // off, on or both
}

// Run runs the grid, and writes tables and a page.
func (k *Comparison) Run(ctx context.Context, with Configure) error {
	msr, err := k.check()
	if err != nil {
		return err
	}
	if err := k.addMethods(with, msr); err != nil {
		return err
	}
	return k.run(ctx, k.report)
}

// check validates the settings. with lists the values of UseMSR to run.
func (k *Comparison) check() (with []bool, err error) {
	if err := distinct(k.Methods); err != nil {
		return nil, err
	}
	with, ok := map[string][]bool{"off": {false}, "on": {true}, "both": {false, true}}[k.MSR]
	if !ok {
		return nil, usage.Errorf("{experiment.MSR} %s: want off, on or both", k.MSR)
	}
	if k.MSR == "off" && len(k.Ablations) > 0 {
		return nil, usage.Errorf("{experiment.Ablations} with {experiment.MSR} off: MSR is what they are compared with; " +
			"want {experiment.MSR} on or both")
	}
	return with, nil
}

// distinct returns an error for an empty list and for a method that is named twice.
func distinct(names []string) error {
	if len(names) == 0 {
		return usage.Errorf("{experiment.Methods} names none; known: %s", strings.Join(methods.Names(), ", "))
	}
	for i, name := range names {
		if slices.Contains(names[:i], name) {
			return usage.Errorf("{experiment.Methods} names %s twice", name)
		}
	}
	return nil
}

// methodFlags returns the flags that select a recipe: a method, or methods.WMSE2.
func methodFlags(recipe string) []string {
	flags := []string{"--method", methods.MethodOf(recipe)}
	if recipe == methods.WMSE2 {
		flags = append(flags, "--method-option", "views=2")
	}
	return flags
}

// addMethods adds the arms of all methods. Configure is asked once for each method, because each has its own recipe.
func (k *Comparison) addMethods(with Configure, msr []bool) error {
	for _, name := range k.Methods {
		c, err := with(methodFlags(name)...)
		if err != nil {
			return err
		}
		if err := k.add(name, c, msr); err != nil {
			return err
		}
	}
	return nil
}

// add adds a method's arms.
func (k *Comparison) add(name string, c train.Config, with []bool) error {
	for _, c.UseMSR = range with {
		a := arm{Name: name, row: name, config: c}
		if c.UseMSR {
			a.Name += "+MSR"
		}
		k.arms = append(k.arms, a)
	}
	cs, err := ablated(c, k.Ablations)
	for _, c := range cs {
		k.arms = append(k.arms, arm{
			Name:   name + "+MSR " + string(c.MSR.Ablation),
			row:    name,
			config: c,
		})
	}
	return err
}
