package main

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/icl-msr/icl-msr/methods"
)

// comparison is a grid of methods, without and with MSR and its ablations.
type comparison struct {
	study
	methods, ablations []string
	msr                string // off, on or both
}

// compare runs the grid, and writes tables and a page.
func (k *comparison) compare(ctx context.Context, with configure) error {
	msr, err := k.check()
	if err != nil {
		return err
	}
	for _, name := range k.methods {
		c, err := with("--method", name) // each method has its own recipe under the flags
		if err != nil {
			return err
		}
		if err := k.add(name, c, msr); err != nil {
			return err
		}
	}
	start := time.Now()
	return k.run(ctx, func() error { return k.report(time.Since(start)) })
}

// check is whether to run without and with MSR, or what is wrong with the flags.
func (k *comparison) check() (with []bool, err error) {
	if err := distinct(k.methods); err != nil {
		return nil, err
	}
	with, ok := map[string][]bool{"off": {false}, "on": {true}, "both": {false, true}}[k.msr]
	if !ok {
		return nil, usagef("--msr %s: want off, on or both", k.msr)
	}
	if k.msr == "off" && len(k.ablations) > 0 {
		return nil, usagef("--ablations with --msr off: MSR is what they are compared with; want --msr on or both")
	}
	return with, nil
}

// distinct refuses no methods, and one twice.
func distinct(names []string) error {
	if len(names) == 0 {
		return usagef("--methods names none; known: %s", strings.Join(methods.Names(), ", "))
	}
	for i, name := range names {
		if slices.Contains(names[:i], name) {
			return usagef("--methods names %s twice", name)
		}
	}
	return nil
}

// add adds a method's arms.
func (k *comparison) add(name string, c config, with []bool) error {
	for _, c.MSR = range with {
		a := arm{Name: name, config: c}
		if c.MSR {
			a.Name += "+MSR"
		}
		k.arms = append(k.arms, a)
	}
	cs, err := ablated(c, k.ablations)
	for _, c := range cs {
		k.arms = append(k.arms, arm{Name: name + "+MSR " + c.Ablation, config: c})
	}
	return err
}
