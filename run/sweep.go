package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

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

// pointArm is the method with MSR and a value of each axis.
func pointArm(with configure, axes []axis, values []string) (arm, error) {
	var given, words []string
	for k, v := range values {
		given = append(given, "--"+axes[k].flag+"="+v)
		words = append(words, axes[k].flag+" "+v)
	}
	c, err := with(given...)
	c.MSR = true
	return arm{Name: strings.Join(words, ", "), config: c}, err
}

// sweepStudy is a sweep of a method with MSR.
type sweepStudy struct {
	study
	list      bool // the axes' first values together, then their second ones, ..., instead of every combination
	ablations bool // each ablation at the settings given, too
}

// sweep runs the method with MSR over axes, each as FLAG=VALUE,VALUE,...
func (g *sweepStudy) sweep(ctx context.Context, axes []string, with configure) error {
	c, err := with()
	if err != nil {
		return err
	}
	if g.arms, err = g.points(c, axes, with); err != nil {
		return err
	}
	g.title = fmt.Sprintf("%s+MSR over %s", c.Method, strings.Join(axes, " and "))
	return g.do(ctx)
}

// points are the arms of a sweep.
func (g *sweepStudy) points(c config, texts []string, with configure) (out []arm, err error) {
	if len(texts) == 0 {
		return nil, usagef("no --axis; as --axis lambda=0.01,0.1,1,10; run figure5 has those of the paper")
	}
	var axes []axis
	for _, t := range texts {
		a, err := parseAxis(t)
		if err != nil {
			return nil, err
		}
		axes = append(axes, a)
	}
	settings, err := points(axes, !g.list)
	if err != nil {
		return nil, err
	}
	if g.baseline {
		plain := c
		plain.MSR = false
		out = append(out, arm{Name: c.Method, config: plain})
	}
	for _, values := range settings {
		a, err := pointArm(with, axes, values)
		if err != nil {
			return nil, err
		}
		out = append(out, a)
	}
	if g.ablations {
		out = append(out, ablationArms(c)...)
	}
	return out, nil
}

// ablationArms are all ablations of MSR.
func ablationArms(c config) (out []arm) {
	for _, a := range []meta.Ablation{meta.Ones, meta.Frozen, meta.UniformityOnly, meta.NoUniformity} {
		c.MSR, c.Ablation = true, string(a)
		out = append(out, arm{Name: "ablation " + c.Ablation, config: c})
	}
	return out
}
