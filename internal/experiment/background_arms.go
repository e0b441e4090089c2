package experiment

import (
	"slices"

	"github.com/icl-msr/icl-msr/datasets"
	"github.com/icl-msr/icl-msr/internal/suggest"
	"github.com/icl-msr/icl-msr/internal/usage"
	"github.com/icl-msr/icl-msr/interventions"
	"github.com/icl-msr/icl-msr/meta"
	"github.com/icl-msr/icl-msr/train"
)

// backgroundArm is a row of the table of arms.
type backgroundArm struct {
	name   string
	change func(c *train.Config)
}

// backgroundRows lists all arms. The first one is the method, with which the others are compared.
func backgroundRows() []backgroundArm {
	msr := func(a meta.Ablation, balance bool) func(c *train.Config) {
		return func(c *train.Config) {
			c.UseMSR, c.MSR.Ablation, c.MSR.GammaBalance = true, a, balance
			c.Intervene = c.Intervene.Only()
		}
	}
	out := []backgroundArm{
		{"method", func(c *train.Config) { c.Intervene = c.Intervene.Only() }},
		{"ones", msr(meta.Ones, false)},
		{"msr", msr(meta.NoAblation, false)},
		{"msr-balanced", msr(meta.NoAblation, true)},
		{"frozen", msr(meta.Frozen, false)},
	}
	for _, name := range interventions.Names() {
		out = append(out, backgroundArm{name, func(c *train.Config) { c.Intervene = c.Intervene.Only(name) }})
	}
	return append(out, backgroundArm{oracleArm, func(c *train.Config) {
		c.Intervene = c.Intervene.Only("swap")
		c.Intervene.Masks, c.Intervene.MaskDir = interventions.KnownMasks, ""
	}})
}

// oracleArm is the positive control. It has the true masks.
const oracleArm = "oracle"

// BackgroundArms lists the names of the arms of Background.
func BackgroundArms() (names []string) {
	for _, r := range backgroundRows() {
		names = append(names, r.name)
	}
	return names
}

// backgroundArms returns the named arms in the order of the rows, the method always among them.
func backgroundArms(c train.Config, names []string) (out []arm, err error) {
	known := BackgroundArms()
	for i, name := range names {
		if !slices.Contains(known, name) {
			return nil, usage.Wrap(suggest.Unknown("{experiment.Arms}", name, known))
		}
		if slices.Contains(names[:i], name) {
			return nil, usage.Errorf("{experiment.Arms} names %s twice", name)
		}
	}
	for i, r := range backgroundRows() {
		if i > 0 && !slices.Contains(names, r.name) {
			continue
		}
		a := arm{Name: r.name, config: c}
		if i == 0 {
			a.Name = c.Method
		}
		if r.change(&a.config); r.name == oracleArm {
			if err := knowsMasks(c); err != nil {
				return nil, err
			}
		}
		if err := a.config.Intervene.Validate(); err != nil {
			return nil, usage.Wrap(err)
		}
		out = append(out, a)
	}
	return out, nil
}

// knowsMasks returns an error if the data set has no masks for the positive control.
func knowsMasks(c train.Config) error {
	ds, err := c.Open(true)
	if err != nil {
		return err
	}
	defer datasets.Close(ds)
	if !datasets.HasMasks(ds) {
		return usage.Errorf("{experiment.Arms} %s: %s does not know the foreground of its pictures", oracleArm, ds.Name())
	}
	return nil
}
