package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/icl-msr/icl-msr/methods"
	"github.com/icl-msr/icl-msr/model"
	"github.com/icl-msr/icl-msr/train"
)

func listMethods(_ context.Context, p program, args []string) error {
	f := flags(p, "methods", "[flags]")
	asOptions := f.Bool("options", false, "list each method's constants, for --method-option")
	set := f.String("preset", "", "list each method's recipe on this data set, with the source of each constant: "+
		strings.Join(methods.DataSets(), ", "))
	if err := parse(f, args); err != nil {
		return err
	}
	if *set != "" {
		return listRecipes(p, *set)
	}
	w := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
	if *asOptions {
		fmt.Fprintln(w, "method\toption\tvalue\tmeaning\t")
		for _, m := range methods.All() {
			for _, o := range slices.Concat(m.Options, m.Shared()) {
				fmt.Fprintf(w, "%s\t%s\t%g\t%s\t\n", m.Name, o.Name, o.Default, o.About)
			}
		}
		return w.Flush()
	}
	c := train.Default()
	fmt.Fprintln(w, "method\tpaper\tviews\tnetworks beside the backbone\tlambda\tgamma\ttau\t")
	for _, m := range methods.All() {
		c.Method = m.Name
		model, _, err := c.Model(0)
		if err != nil {
			return err
		}
		r := m.Recipe
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%g\t%g\t%g\t\n", m.Name, m.Paper, views(model.Views()), parts(model.Parts()[1:]),
			r.Lambda, r.Gamma, r.Temperature)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(p.stdout, "\nlambda, gamma and tau are what --method sets unless they are given; lambda and gamma are "+
		"the paper's where its tables have the method.")
	return nil
}

// parts lists networks and state; a numbered one appears once.
func parts(names []string) string {
	var out []string
	for _, name := range names {
		if name, _, _ = strings.Cut(name, "."); !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return strings.Join(out, ", ")
}

// views lists views, with their number if a kind comes several times.
func views(vs []model.View) string {
	var out []string
	for from, to := 0, 0; from < len(vs); from = to {
		for to = from; to < len(vs) && vs[to] == vs[from]; to++ {
		}
		out = append(out, fmt.Sprintf("%d %s", to-from, vs[from]))
	}
	return strings.Join(out, " + ")
}
