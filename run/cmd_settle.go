package main

import (
	"fmt"

	"github.com/spf13/pflag"
)

// settle parses args over --config FILE over --preset NAME over the method's
// recipe over the defaults.
// extra adds the command's own flags.
func settle(p program, name string, args []string, extra func(f *pflag.FlagSet)) (config, error) {
	var presetName, path string
	build := func(c *config) *pflag.FlagSet {
		f := flags(p, name, "[flags]")
		short := f.Usage
		f.Usage = func() {
			short()
			fmt.Fprintln(p.stdout, "\npresets:")
			for _, q := range presets() {
				fmt.Fprintf(p.stdout, "  %-14s %s\n", q.name, q.about)
			}
		}
		f.StringVar(&presetName, presetKey, presetName, "recipe to start from: "+presetNames())
		f.StringVar(&path, "config", path, "YAML file with any of these settings, under the flags; preset: NAME, too")
		extra(f)
		c.bind(f)
		return f
	}
	c := defaults()
	given := build(&c)
	if err := parse(given, args); err != nil {
		return c, err
	}
	file, err := openSettings(path)
	if err != nil {
		return c, wrongUse(err)
	}
	method := ""
	if given.Changed("method") {
		method = c.Method
	}
	if c, err = file.over(method, presetName, given); err != nil {
		return c, wrongUse(err)
	}
	if err := parse(build(&c), args); err != nil {
		return c, err
	}
	return c, c.absolute()
}
