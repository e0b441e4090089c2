package main

import (
	"fmt"
	"strings"

	"github.com/spf13/pflag"

	"github.com/icl-msr/icl-msr/internal/settings"
	"github.com/icl-msr/icl-msr/interventions"
)

// bindInterventions binds the settings of interventions on backgrounds.
func bindInterventions(f *pflag.FlagSet, o *interventions.Options) {
	var abouts, numbers []string
	for _, i := range interventions.Interventions() {
		abouts = append(abouts, i.Name+", "+i.About)
		for _, q := range i.Options {
			numbers = append(numbers, fmt.Sprintf("%s of %s (%g), %s", q.Name, i.Name, q.Default, q.About))
		}
	}
	f.StringSliceVar(&o.Names, "intervene", o.Names,
		"interventions on backgrounds, without labels, for any method and for --msr: "+strings.Join(abouts, "; "))
	f.Var((*settings.NamedValues)(&o.Numbers), "intervene-option",
		"NAME=VALUE, parameters of --intervene: "+strings.Join(numbers, "; "))
	f.StringVar(&o.Masks, "masks", o.Masks,
		"swap: where the object is: known (for data sets that know it), or an estimate from the picture alone: "+
			strings.Join(interventions.MaskNames()[1:], ", "))
	f.StringVar(&o.MaskDir, "mask-dir", o.MaskDir,
		"swap: a folder of masks instead: a PNG with each picture's name, in class folders or not; white is the object")
	f.StringVar(&o.Strata, "strata", o.Strata,
		"strata: border (k-means of the pictures' border colours), known (for data sets that know their backgrounds), "+
			"or a file with a picture, a tab and its stratum on each line")
}
