package train

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/icl-msr/icl-msr/internal/usage"
	"github.com/icl-msr/icl-msr/methods"
)

// Start is what a configuration starts from: the layers below a file of settings and flags.
type Start struct {
	Recipe   string           // a method, or methods.WMSE2
	Preset   string           // "": none
	Set      string           // the data set that the recipe is for, one of methods.DataSets; "": no recipe
	Defaults methods.Defaults // whose recipe
}

// StartFrom is the configuration of a method and a preset. The preset of a data set has the method's recipe there, as
// the paper's table used it; others have the method's lambda, gamma and temperature.
func StartFrom(method, presetName string) (Config, error) {
	s := Start{Recipe: method, Preset: presetName}
	if slices.Contains(methods.DataSets(), presetName) {
		s.Set, s.Defaults = presetName, methods.TableDefaults(presetName)
	}
	return s.Config()
}

// Config lays the preset over the method's recipe over the method's constants over the defaults.
func (s Start) Config() (Config, error) {
	c := Default()
	c.Method = methods.MethodOf(s.Recipe)
	r := methods.RecipeOf(c.Method)
	c.MSR.Lambda, c.MSR.Gamma, c.MethodConfig.Temperature = r.Lambda, r.Gamma, r.Temperature
	if s.Set != "" {
		recipe, err := methods.Settings(s.Recipe, s.Set, s.Defaults)
		if err != nil {
			return c, usage.Wrap(err)
		}
		if err := c.follow(recipe, s.Set); err != nil {
			return c, err
		}
	}
	if s.Preset == "" {
		return c, nil
	}
	q, err := FindPreset(s.Preset)
	if err != nil {
		return c, err
	}
	q.Apply(&c)
	return c, nil
}

// follow takes a recipe's settings. A rate that is not Adam's says nothing of the fast weights, which descend without
// momentum or normalisation: they keep the rate that section 6.2 of the paper has for the data set.
func (c *Config) follow(recipe []methods.Setting, set string) error {
	if err := c.decode(strings.NewReader(recipeText(recipe)), "the recipe"); err != nil {
		return err
	}
	if c.Optimizer.Name != "adam" {
		c.MSR.Alpha = paperRate(set)
	}
	return nil
}

// paperRate is Adam's rate in section 6.2. ImageNet, for which it names none, has ImageNet-100's.
func paperRate(set string) float64 {
	if strings.HasPrefix(set, "cifar") {
		return 3e-3
	}
	return 2e-3
}

// recipeText has a recipe's settings as config.yaml has them.
func recipeText(recipe []methods.Setting) string {
	var b strings.Builder
	options := map[string][]string{}
	for _, x := range recipe {
		key, option, isOption := strings.Cut(x.Name, " ")
		switch {
		case x.Name == methods.NotBuilt:
		case isOption:
			options[key] = append(options[key], option+": "+x.Value)
		case key == "prototypes", key == "drops":
			fmt.Fprintf(&b, "%s: [%s]\n", key, x.Value)
		default:
			fmt.Fprintf(&b, "%s: %s\n", key, x.Value)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(options)) {
		fmt.Fprintf(&b, "%s: {%s}\n", key, strings.Join(options[key], ", "))
	}
	return b.String()
}

// RecipeSet is the data set whose recipes a run with these settings and this preset has, if it has any: the preset's,
// the data set's own, or else that of the nearest pictures by their size.
func RecipeSet(preset string, c Config) string {
	if slices.Contains(methods.DataSets(), preset) {
		return preset
	}
	name := strings.ReplaceAll(c.Data.Name, "_", "-")
	switch {
	case name == "imagenet" && c.Classes != "":
		return "imagenet-100"
	case slices.Contains(methods.DataSets(), name):
		return name
	case c.Size <= 32:
		return "cifar10"
	case c.Size <= 96:
		return "tiny-imagenet"
	}
	return "imagenet-100"
}

// KeepRecipe takes over what recipes set from another configuration.
func (c *Config) KeepRecipe(other Config) {
	c.MethodConfig, c.MSR.Alpha = other.MethodConfig, other.MSR.Alpha
	c.Augment, c.AugmentOptions = other.Augment, other.AugmentOptions
	c.BatchSize, c.MicroBatch = other.BatchSize, other.MicroBatch
	c.Optimizer, c.Schedule, c.ScaleLR = other.Optimizer, other.Schedule, other.ScaleLR
}
