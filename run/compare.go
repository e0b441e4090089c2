package main

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/icl-msr/icl-msr/methods"
)

// comparison is a grid of methods, without and with MSR and its ablations.
type comparison struct {
	study
	command            string
	preset             string // unless the flags name one
	methods, ablations []string
	msr                string
	set                *pflag.FlagSet
}

// compare trains a grid of methods, with and without MSR, and writes the
// paper's Table 1 for what was run.
func compare(ctx context.Context, p program, args []string) error {
	k := comparison{command: "compare", methods: methods.Names(),
		study: study{title: "Methods with and without MSR", out: "runs/compare", seeds: 3, probeEpochs: 200}}
	return k.do(ctx, p, args)
}

func (k *comparison) bind(f *pflag.FlagSet) {
	k.set = f
	f.StringSliceVar(&k.methods, "methods", k.methods, "methods to compare")
	f.StringVar(&k.msr, "msr", "both", "the meta semantic regularizer: off, on or both")
	f.StringSliceVar(&k.ablations, "ablations", k.ablations, ablationsAbout)
	k.study.bind(f)
}

func (k *comparison) do(ctx context.Context, p program, args []string) error {
	under, shown := presetUnder(args, k.preset)
	extra := func(f *pflag.FlagSet) { shown(f); k.bind(f) }
	c, err := settle(p, k.command, under, extra)
	if err != nil {
		return err
	}
	with, err := k.check(c)
	if err != nil {
		return err
	}
	for _, name := range k.methods {
		// Each method has its own recipe under the flags.
		c, err := settle(p, k.command, append(slices.Clone(under), "--method", name), extra)
		if err != nil {
			return err
		}
		if err := k.add(name, c, with); err != nil {
			return err
		}
	}
	start := time.Now()
	return k.run(ctx, p, func() error { return k.report(p, time.Since(start)) })
}

// check is whether to run without and with MSR, or what is wrong with the flags.
func (k *comparison) check(c config) (with []bool, err error) {
	if k.set.Changed("method") || c.Method != defaults().Method {
		return nil, usagef("--method: compare takes several, --methods simclr,byol")
	}
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

// presetUnder puts a command's own preset under the arguments unless they name
// one, and has the help show it.
func presetUnder(args []string, preset string) (under []string, shown func(f *pflag.FlagSet)) {
	if preset == "" {
		return args, func(*pflag.FlagSet) {}
	}
	shown = func(f *pflag.FlagSet) { f.Lookup(presetKey).DefValue = preset }
	named := func(a string) bool { return a == "--"+presetKey || strings.HasPrefix(a, "--"+presetKey+"=") }
	if slices.ContainsFunc(args, named) {
		return args, shown
	}
	return append([]string{"--" + presetKey, preset}, args...), shown
}
