package main

import (
	"cmp"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/icl-msr/icl-msr/internal/settings"
	"github.com/icl-msr/icl-msr/internal/suggest"
	"github.com/icl-msr/icl-msr/methods"
	"github.com/icl-msr/icl-msr/train"
)

// named is what the flags, or else the file, say of a key.
func named(key, otherwise string, s settings.File, given *pflag.FlagSet) string {
	if given != nil && given.Changed(key) {
		return given.Lookup(key).Value.String()
	}
	return cmp.Or(s.Text(key), otherwise)
}

// start is what the configuration starts from. A preset of a data set brings the recipe of the method there, and other
// presets none, unless --method-defaults asks for one.
func (r request) start(s settings.File, given *pflag.FlagSet) (train.Start, error) {
	out := train.Start{
		Recipe: named("method", train.Default().Method, s, given),
		Preset: named(presetKey, r.preset, s, given),
	}
	defaults, err := methodDefaults(s, given)
	if err != nil || complete(s) || defaults == "" && !slices.Contains(methods.DataSets(), out.Preset) {
		return out, err
	}
	c, err := r.started(out, s)
	if err != nil {
		return out, err
	}
	if err := peek(&c, s, given); err != nil {
		return out, err
	}
	if c.Method == "w_mse" && c.MethodConfig.Options["views"] == 2 {
		out.Recipe = methods.WMSE2
	}
	out.Set = train.RecipeSet(out.Preset, c)
	out.Defaults = cmp.Or(defaults, methods.TableDefaults(out.Set))
	return out, nil
}

// methodDefaults is the value of --method-defaults; "" where it is not given.
func methodDefaults(s settings.File, given *pflag.FlagSet) (methods.Defaults, error) {
	d := methods.Defaults(named(defaultsKey, "", s, given))
	if d == "" || slices.Contains(methods.AllDefaults(), d) {
		return d, nil
	}
	var known []string
	for _, d := range methods.AllDefaults() {
		known = append(known, string(d))
	}
	err := suggest.Unknown("--"+defaultsKey, string(d), known)
	if s.Text(defaultsKey) == string(d) {
		return d, s.Explain(defaultsKey, err)
	}
	return d, err
}

// complete says that a file leaves nothing of a recipe open: it has the settings that each recipe has. Such is what
// this program wrote, in this version or an earlier one; an option that is not in it has its default, and not the
// recipe's value.
func complete(s settings.File) bool {
	const all = "hidden dim temperature augment epochs batch-size optimizer lr weight-decay schedule warmup"
	for key := range strings.FieldsSeq(all) {
		if s.Text(key) == "" {
			return false
		}
	}
	return true
}

// peek lays the file over c, and of the flags those that a recipe is chosen by.
func peek(c *train.Config, s settings.File, given *pflag.FlagSet) error {
	if err := applyFile(s, c, given); err != nil || given == nil {
		return err
	}
	into := settingFlags(c)
	for _, name := range []string{"dataset", "classes", "size", "method-option"} {
		if given.Changed(name) {
			if err := into.Set(name, given.Lookup(name).Value.String()); err != nil {
				return err
			}
		}
	}
	return nil
}

// resumed is the configuration of the run that --resume names, if there is one; c is what the command line describes.
func resumed(given *pflag.FlagSet, c train.Config) *train.Config {
	if f := given.Lookup("resume"); f == nil || f.Value.String() != "true" {
		return nil
	}
	run, err := train.ReadConfig(cmp.Or(given.Lookup("out").Value.String(), usualFolder(c)))
	if err != nil {
		return nil // opening the folder tells why
	}
	return &run
}
