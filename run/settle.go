package main

import (
	"fmt"

	"github.com/spf13/pflag"

	"github.com/icl-msr/icl-msr/internal/settings"
	"github.com/icl-msr/icl-msr/internal/usage"
	"github.com/icl-msr/icl-msr/train"
)

// presetKey is the setting, and the flag, that names a preset. defaultsKey is the one that says whose recipe a method
// has. config.yaml holds what they set, but not these two keys.
const (
	presetKey   = "preset"
	defaultsKey = "method-defaults"
)

// request is a command line that describes a training run. The layers of its configuration are, from the lowest: the
// defaults, the method's constants, its recipe, a preset, what the command changes, --config FILE, the flags that were
// given.
type request struct {
	command string
	args    []string
	preset  string                 // used if neither the file nor a flag names one
	change  func(c *train.Config)  // may be nil
	extra   func(f *pflag.FlagSet) // binds the command's own flags
	resumed *train.Config          // a run of any version whose recipe is kept; nil: none
}

// settle returns the configuration. The flags in more follow those of the command line.
func (r request) settle(p program, more ...string) (train.Config, error) {
	args := append(r.args[:len(r.args):len(r.args)], more...)
	c := train.Default()
	given := r.flags(p, &c)
	if err := parse(given, args); err != nil {
		return c, err
	}
	file, err := settings.Open(given.Lookup("config").Value.String())
	if err != nil {
		return c, usage.Wrap(err)
	}
	if c, err = r.layered(p, file, given, args); err != nil {
		return c, err
	}
	if r.resumed = resumed(given, c); r.resumed != nil {
		if c, err = r.layered(p, file, given, args); err != nil {
			return c, err
		}
	}
	return c, c.ResolvePaths()
}

// layered returns the configuration with the flags applied over the lower layers.
func (r request) layered(p program, file settings.File, given *pflag.FlagSet, args []string) (train.Config, error) {
	c, err := r.below(file, given)
	if err != nil {
		return c, usage.Wrap(err)
	}
	return c, parse(r.flags(p, &c), args)
}

// flags returns the command's flags, and one for each setting, which writes into c.
func (r request) flags(p program, c *train.Config) *pflag.FlagSet {
	f := flags(p, r.command, "[flags]")
	short := f.Usage
	f.Usage = func() {
		short()
		fmt.Fprintln(p.stdout, "\npresets:")
		for _, q := range train.Presets() {
			fmt.Fprintf(p.stdout, "  %-14s %s\n", q.Name, q.About)
		}
	}
	f.String(presetKey, r.preset, "data set and network to start from: "+train.PresetNames())
	f.String(defaultsKey, "", "whose recipe the method has: baseline (the paper's for small data sets) or paper (that "+
		"of the method's authors); run methods --preset lists them (default: that of the paper's table on the preset's "+
		"data set; for other presets, none)")
	f.String("config", "", "YAML file with any of these settings, also preset: NAME and method-defaults: NAME; flags "+
		"override it")
	r.extra(f)
	bindConfig(f, c)
	return f
}

// below returns the configuration below the flags. Of the flags it uses only those that choose a layer. given may be
// nil.
func (r request) below(s settings.File, given *pflag.FlagSet) (train.Config, error) {
	start, err := r.start(s, given)
	if err != nil {
		return train.Config{}, err
	}
	c, err := r.started(start, s)
	if err != nil {
		return c, err
	}
	if start.Set != "" && r.resumed != nil {
		c.KeepRecipe(*r.resumed)
	}
	return c, applyFile(s, &c, given)
}

// started returns the configuration below the file.
func (r request) started(start train.Start, s settings.File) (train.Config, error) {
	c, err := start.Config()
	if err != nil && s.Text(presetKey) == start.Preset {
		return c, s.Explain(presetKey, err)
	}
	if r.change != nil {
		r.change(&c)
	}
	return c, err
}

// applyFile applies a file's settings to c.
func applyFile(s settings.File, c *train.Config, given *pflag.FlagSet) error {
	return s.Apply(settingFlags(c), given, presetKey, defaultsKey)
}
