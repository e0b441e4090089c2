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

// named returns a key's value from the flags, else from the file, else otherwise.
func named(key, otherwise string, s settings.File, given *pflag.FlagSet) string {
	if given != nil && given.Changed(key) {
		return given.Lookup(key).Value.String()
	}
	return cmp.Or(s.Text(key), otherwise)
}

// start returns what the configuration starts from. A preset of a data set brings the method's recipe on that data set.
// Other presets bring no recipe, unless --method-defaults asks for one.
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

// methodDefaults returns the value of --method-defaults, or "" if it is not given.
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

// complete reports whether a file has all settings that every recipe has. A file that this program wrote is complete,
// also one of an earlier version. An option that is missing there has its default, not the recipe's value.
func complete(s settings.File) bool {
	const all = "hidden dim temperature augment epochs batch-size optimizer lr weight-decay schedule warmup"
	for key := range strings.FieldsSeq(all) {
		if s.Text(key) == "" {
			return false
		}
	}
	return true
}

// peek applies the file to c, and then only the flags that a recipe is chosen by.
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

// resumed returns the configuration of the run that --resume names, or nil if there is none. c is what the command line
// describes.
func resumed(given *pflag.FlagSet, c train.Config) *train.Config {
	if f := given.Lookup("resume"); f == nil || f.Value.String() != "true" {
		return nil
	}
	run, err := train.ReadConfig(cmp.Or(given.Lookup("out").Value.String(), usualFolder(c)))
	if err != nil {
		return nil // opening the folder later reports why
	}
	return &run
}
