package main

import (
	"cmp"
	"fmt"

	"github.com/spf13/pflag"

	"github.com/icl-msr/icl-msr/internal/settings"
	"github.com/icl-msr/icl-msr/internal/usage"
	"github.com/icl-msr/icl-msr/train"
)

// presetKey is the setting, and the flag, that names a preset.
const presetKey = "preset"

// request is a command line that describes a training run. The layers of its configuration, from below: the defaults,
// the method's recipe, a preset, what the command changes, --config FILE, the flags that were given.
type request struct {
	command string
	args    []string
	preset  string                 // holds where neither the file nor a flag names one
	change  func(c *train.Config)  // may be nil
	extra   func(f *pflag.FlagSet) // binds the command's own flags
}

// settle is the configuration. more are flags behind those of the command line.
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
	if c, err = r.below(file, given); err != nil {
		return c, usage.Wrap(err)
	}
	if err := parse(r.flags(p, &c), args); err != nil {
		return c, err
	}
	return c, c.ResolvePaths()
}

// flags has the command's flags, and one for each setting, which writes it into c.
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
	f.String(presetKey, r.preset, "recipe to start from: "+train.PresetNames())
	f.String("config", "", "YAML file with any of these settings, under the flags; preset: NAME, too")
	r.extra(f)
	bindConfig(f, c)
	return f
}

// below is the configuration without the flags, but for the method and the preset that they name. given may be nil.
func (r request) below(s settings.File, given *pflag.FlagSet) (train.Config, error) {
	method := cmp.Or(s.Text("method"), train.Default().Method)
	preset, inFile := cmp.Or(s.Text(presetKey), r.preset), s.Text(presetKey) != ""
	if given != nil && given.Changed("method") {
		method = given.Lookup("method").Value.String()
	}
	if given != nil && given.Changed(presetKey) {
		preset, inFile = given.Lookup(presetKey).Value.String(), false
	}
	c, err := train.StartFrom(method, preset)
	if err != nil && inFile {
		err = s.Explain(presetKey, err)
	}
	if err != nil {
		return c, err
	}
	if r.change != nil {
		r.change(&c)
	}
	return c, s.Apply(settingFlags(&c), given, presetKey)
}
