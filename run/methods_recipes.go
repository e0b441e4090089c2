package main

import (
	"fmt"
	"text/tabwriter"

	"github.com/icl-msr/icl-msr/internal/usage"
	"github.com/icl-msr/icl-msr/methods"
)

// listRecipes prints each method's recipe on a data set, with the source of each
// constant.
func listRecipes(p program, set string) error {
	w := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "method\tsetting\tvalue\tsource\t")
	for _, name := range methods.Names() {
		all, err := methods.Settings(name, set)
		if err != nil {
			return usage.Wrap(err)
		}
		if len(all) == 0 {
			fmt.Fprintf(w, "%s\t-\t-\tno recipe on %s yet\t\n", name, set)
		}
		for _, x := range all {
			fmt.Fprintf(w, "%s\t--%s\t%s\t%s\t\n", name, x.Name, x.Value, x.Source)
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintln(p.stdout,
		"\nA setting of `method-option NAME` is given as --method-option NAME=VALUE. These are not what --method and "+
			"--preset set.")
	return err
}
