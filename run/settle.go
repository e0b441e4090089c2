package main

import (
	"cmp"
	"fmt"

	"github.com/spf13/pflag"

	"github.com/icl-msr/icl-msr/internal/settings"
	"github.com/icl-msr/icl-msr/internal/usage"
	"github.com/icl-msr/icl-msr/train"
)

// settle parses args over --config FILE over --preset NAME over the method's
// recipe over the defaults.
// extra adds the command's own flags.
func settle(p program, name string, args []string, extra func(f *pflag.FlagSet)) (train.Config, error) {
	var presetName, path string
	build := func(c *train.Config) *pflag.FlagSet {
		f := flags(p, name, "[flags]")
		short := f.Usage
		f.Usage = func() {
			short()
			fmt.Fprintln(p.stdout, "\npresets:")
			for _, q := range train.Presets() {
				fmt.Fprintf(p.stdout, "  %-14s %s\n", q.Name, q.About)
			}
		}
		f.StringVar(&presetName, presetKey, presetName, "recipe to start from: "+train.PresetNames())
		f.StringVar(&path, "config", path, "YAML file with any of these settings, under the flags; preset: NAME, too")
		extra(f)
		bindConfig(f, c)
		return f
	}
	c := train.Default()
	given := build(&c)
	if err := parse(given, args); err != nil {
		return c, err
	}
	file, err := settings.Open(path)
	if err != nil {
		return c, usage.Wrap(err)
	}
	method := ""
	if given.Changed("method") {
		method = c.Method
	}
	if c, err = layered(file, method, presetName, given); err != nil {
		return c, usage.Wrap(err)
	}
	if err := parse(build(&c), args); err != nil {
		return c, err
	}
	return c, c.ResolvePaths()
}

// presetKey is the setting, and the flag, that names what the others lie over.
const presetKey = "preset"

// layered is a file over a preset over the recipe of the method: those given, else
// the file's, else the default's.
func layered(s settings.File, method, preset string, command *pflag.FlagSet) (train.Config, error) {
	named := preset == ""
	if method = cmp.Or(method, s.Text("method")); method == "" {
		method = train.Default().Method
	}
	c, err := train.StartFrom(method, cmp.Or(preset, s.Text(presetKey)))
	if err != nil && named {
		err = s.Explain(presetKey, err)
	}
	if err != nil {
		return c, err
	}
	return c, s.Apply(settingFlags(&c), command, presetKey)
}
