package experiment

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/icl-msr/icl-msr/internal/usage"
	"github.com/icl-msr/icl-msr/meta"
	"github.com/icl-msr/icl-msr/train"
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
		return a, usage.Errorf("{experiment.Axes} %s: want FLAG=VALUE,VALUE,...", s)
	}
	for i, v := range a.values {
		if slices.Contains(a.values[:i], v) {
			return a, usage.Errorf("{experiment.Axes} %s: %s twice", s, v)
		}
	}
	return a, nil
}

// points lists the settings of a sweep. Each has a value for each axis.
func points(axes []axis, grid bool) ([][]string, error) {
	if !grid {
		n := len(axes[0].values)
		out := make([][]string, n)
		for _, a := range axes {
			if len(a.values) != n {
				return nil, usage.Errorf("{experiment.List} wants as many values of --%s as of --%s: %d and %d",
					a.flag, axes[0].flag, len(a.values), n)
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

// pointArm is the method with MSR and a value for each axis.
func pointArm(with Configure, axes []axis, values []string) (arm, error) {
	var given, words []string
	for k, v := range values {
		given = append(given, "--"+axes[k].flag+"="+v)
		words = append(words, axes[k].flag+" "+v)
	}
	c, err := with(given...)
	c.UseMSR = true
	return arm{Name: strings.Join(words, ", "), config: c}, err
}

// Sweep runs a method with MSR over values of flags.
type Sweep struct {
	Study
	Axes      []string // FLAG=VALUE,VALUE,...
	List      bool     // combine the axes' first values, then their second values, and so on; false: every combination
	Ablations bool     // also run each ablation at the given settings
}

// Run runs the method with MSR over the axes.
func (g *Sweep) Run(ctx context.Context, with Configure) error {
	c, err := with()
	if err != nil {
		return err
	}
	if g.arms, err = g.points(c, with); err != nil {
		return err
	}
	g.Title = fmt.Sprintf("%s+MSR over %s", c.Method, strings.Join(g.Axes, " and "))
	return g.run(ctx, g.report)
}

// points lists the arms of a sweep.
func (g *Sweep) points(c train.Config, with Configure) (out []arm, err error) {
	if len(g.Axes) == 0 {
		return nil, usage.Errorf("no {experiment.Axes}; as {experiment.Axes} lambda=0.01,0.1,1,10; " +
			"run figure5 has those of the paper")
	}
	var axes []axis
	for _, t := range g.Axes {
		a, err := parseAxis(t)
		if err != nil {
			return nil, err
		}
		axes = append(axes, a)
	}
	settings, err := points(axes, !g.List)
	if err != nil {
		return nil, err
	}
	if g.Baseline {
		plain := c
		plain.UseMSR = false
		out = append(out, arm{Name: c.Method, config: plain})
	}
	for _, values := range settings {
		a, err := pointArm(with, axes, values)
		if err != nil {
			return nil, err
		}
		out = append(out, a)
	}
	if g.Ablations {
		out = append(out, ablationArms(c)...)
	}
	return out, nil
}

// ablationArms lists an arm for each ablation of MSR.
func ablationArms(c train.Config) (out []arm) {
	for _, a := range []meta.Ablation{meta.Ones, meta.Frozen, meta.UniformityOnly, meta.NoUniformity} {
		c.UseMSR, c.MSR.Ablation = true, a
		out = append(out, arm{Name: "ablation " + string(c.MSR.Ablation), config: c})
	}
	return out
}
