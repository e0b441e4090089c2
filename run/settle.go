package main

import (
	"fmt"

	"github.com/spf13/pflag"

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
		f.StringVar(&presetName, train.PresetKey, presetName, "recipe to start from: "+train.PresetNames())
		f.StringVar(&path, "config", path, "YAML file with any of these settings, under the flags; preset: NAME, too")
		extra(f)
		c.Bind(f)
		return f
	}
	c := train.Default()
	given := build(&c)
	if err := parse(given, args); err != nil {
		return c, err
	}
	file, err := train.OpenSettings(path)
	if err != nil {
		return c, usage.Wrap(err)
	}
	method := ""
	if given.Changed("method") {
		method = c.Method
	}
	if c, err = file.Over(method, presetName, given); err != nil {
		return c, usage.Wrap(err)
	}
	if err := parse(build(&c), args); err != nil {
		return c, err
	}
	return c, c.ResolvePaths()
}
