package train

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/icl-msr/icl-msr/internal/usage"
	"github.com/icl-msr/icl-msr/methods"
)

// Start names the layers of a configuration below the settings file and the flags.
type Start struct {
	Recipe   string           // a method's name, or methods.WMSE2
	Preset   string           // "" means no preset
	Set      string           // the recipe's data set, one of methods.DataSets; "" means no recipe
	Defaults methods.Defaults // the source of the recipe
}

// StartFrom returns the configuration of a method and a preset. If the preset is a data set's, the configuration has
// the method's recipe for it, as used for the paper's table. Otherwise it has the method's lambda, gamma and
// temperature.
func StartFrom(method, presetName string) (Config, error) {
	s := Start{Recipe: method, Preset: presetName}
	if slices.Contains(methods.DataSets(), presetName) {
		s.Set, s.Defaults = presetName, methods.TableDefaults(presetName)
	}
	return s.Config()
}

// Config applies the layers in order: defaults, the method's constants, the method's recipe, the preset.
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
		if err := c.applyRecipe(recipe, s.Set); err != nil {
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

// applyRecipe applies a recipe's settings. The fast weights descend without momentum or normalisation, so that the rate
// of an optimizer other than Adam tells nothing about theirs. They then keep the rate that section 6.2 of the paper
// (arXiv 2206.14702) has for the data set.
func (c *Config) applyRecipe(recipe []methods.Setting, set string) error {
	if err := c.decode(strings.NewReader(recipeText(recipe)), "the recipe"); err != nil {
		return err
	}
	if c.Optimizer.Name != "adam" {
		c.MSR.Alpha = paperRate(set)
	}
	return nil
}

// paperRate returns Adam's rate in section 6.2. It names none for ImageNet, which gets ImageNet-100's.
func paperRate(set string) float64 {
	if strings.HasPrefix(set, "cifar") {
		return 3e-3
	}
	return 2e-3
}

// recipeText writes a recipe's settings in the form of config.yaml.
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

// RecipeSet returns the data set whose recipes fit a run with these settings and this preset: the preset's or the data
// set's own if there are recipes for it, otherwise the one whose pictures are nearest in size.
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

// KeepRecipe copies the settings that recipes set from another configuration.
func (c *Config) KeepRecipe(other Config) {
	c.MethodConfig, c.MSR.Alpha = other.MethodConfig, other.MSR.Alpha
	c.Augment, c.AugmentOptions = other.Augment, other.AugmentOptions
	c.BatchSize, c.MicroBatch = other.BatchSize, other.MicroBatch
	c.Optimizer, c.Schedule, c.ScaleLR = other.Optimizer, other.Schedule, other.ScaleLR
}
