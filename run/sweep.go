package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/icl-msr/icl-msr/meta"
)

// axis is a flag and the values that a sweep gives it.
type axis struct {
	flag   string
	values []string
}

func parseAxis(s string) (axis, error) {
	name, values, ok := strings.Cut(s, "=")
	a := axis{strings.TrimLeft(name, "-"), strings.Split(values, ",")}
	if !ok || a.flag == "" || slices.Contains(a.values, "") {
		return a, usagef("--axis %s: want FLAG=VALUE,VALUE,...", s)
	}
	for i, v := range a.values {
		if slices.Contains(a.values[:i], v) {
			return a, usagef("--axis %s: %s twice", s, v)
		}
	}
	return a, nil
}

// points are the settings of a sweep: each a value of each axis.
func points(axes []axis, grid bool) ([][]string, error) {
	if !grid {
		n := len(axes[0].values)
		out := make([][]string, n)
		for _, a := range axes {
			if len(a.values) != n {
				return nil, usagef("--list wants as many values of --%s as of --%s: %d and %d", a.flag, axes[0].flag, len(a.values), n)
			}
			for i, v := range a.values {
				out[i] = append(out[i], v)
			}
		}
		return out, nil
	}
	out := [][]string{nil}
	for _, a := range axes {
		var next [][]string
		for _, p := range out {
			for _, v := range a.values {
				next = append(next, append(slices.Clone(p), v))
			}
		}
		out = next
	}
	return out, nil
}

// sweep trains a method with MSR over values of any flags, beside the method
// alone and the ablations.
func sweep(ctx context.Context, p program, args []string) error {
	var texts []string
	var list, ablations, alone bool
	g := study{out: "runs/sweep", seeds: 3, probeEpochs: 200}
	extra := func(f *pflag.FlagSet) {
		f.StringArrayVar(&texts, "axis", nil, "FLAG=VALUE,VALUE,...: a flag of pretrain and its values; may be given several times")
		f.BoolVar(&list, "list", false, "the axes' first values together, then their second ones, ..., instead of every combination")
		f.BoolVar(&ablations, "ablations", false, "each ablation of MSR at the settings given, too")
		f.BoolVar(&alone, "baseline", true, "the method without MSR, which the differences are to")
		g.bind(f)
	}
	c, err := settle(p, "sweep", args, extra)
	if err != nil {
		return err
	}
	if len(texts) == 0 {
		return usagef("no --axis; as --axis lambda=0.01,0.1,1,10; run figure5 has those of the paper")
	}
	var axes []axis
	for _, t := range texts {
		a, err := parseAxis(t)
		if err != nil {
			return err
		}
		axes = append(axes, a)
	}
	settings, err := points(axes, !list)
	if err != nil {
		return err
	}
	if alone {
		plain := c
		plain.MSR = false
		g.arms = append(g.arms, arm{Name: c.Method, config: plain})
	}
	for _, values := range settings {
		a, err := pointArm(p, "sweep", args, extra, axes, values)
		if err != nil {
			return err
		}
		g.arms = append(g.arms, a)
	}
	if ablations {
		for _, a := range []meta.Ablation{meta.Ones, meta.Frozen, meta.UniformityOnly, meta.NoUniformity} {
			x := c
			x.MSR, x.Ablation = true, string(a)
			g.arms = append(g.arms, arm{Name: "ablation " + x.Ablation, config: x})
		}
	}
	g.title = fmt.Sprintf("%s+MSR over %s", c.Method, strings.Join(texts, " and "))
	g.baseline = alone
	return g.do(ctx, p)
}

// pointArm is the method with MSR and a value of each axis.
func pointArm(
	p program, command string, args []string, extra func(*pflag.FlagSet), axes []axis, values []string,
) (arm, error) {
	given := slices.Clone(args)
	var words []string
	for k, v := range values {
		given = append(given, "--"+axes[k].flag+"="+v)
		words = append(words, axes[k].flag+" "+v)
	}
	c, err := settle(p, command, given, extra)
	c.MSR = true
	return arm{Name: strings.Join(words, ", "), config: c}, err
}
