package main

import (
	"fmt"
	"text/tabwriter"

	"github.com/icl-msr/icl-msr/internal/usage"
	"github.com/icl-msr/icl-msr/methods"
)

// listRecipes prints each method's recipes on a data set, with the source of each constant. The defaults that the
// paper's table of that set used come first.
func listRecipes(p program, set string) error {
	w := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "method\tdefaults\tsetting\tvalue\tsource\t")
	first := methods.TableDefaults(set)
	for _, d := range append([]methods.Defaults{first}, others(first)...) {
		for _, name := range methods.Recipes() {
			all, err := methods.Settings(name, set, d)
			if err != nil {
				return usage.Wrap(err)
			}
			for _, x := range all {
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t\n", name, d, flagOf(x), x.Value, x.Source)
			}
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(p.stdout, "\nThe paper's table on %s is read as one of the defaults %q. A setting of "+
		"`--method-option NAME` is given as --method-option NAME=VALUE. What is \"not built\" is in the source and not in "+
		"this program. `--method METHOD --preset %[1]s` sets what is listed for %[2]q, and with --method-defaults "+
		"what is listed for the defaults named; %s is --method w_mse --method-option views=2.\n", set, first, methods.WMSE2)
	return err
}

// others returns all defaults but one.
func others(one methods.Defaults) (out []methods.Defaults) {
	for _, d := range methods.AllDefaults() {
		if d != one {
			out = append(out, d)
		}
	}
	return out
}

// flagOf returns a setting's name as it is typed.
func flagOf(x methods.Setting) string {
	if x.Name == methods.NotBuilt {
		return x.Name
	}
	return "--" + x.Name
}
