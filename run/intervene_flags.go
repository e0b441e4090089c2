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
		"act on backgrounds, without labels, with any method and with --msr: "+strings.Join(abouts, "; "))
	f.Var((*settings.NamedValues)(&o.Numbers), "intervene-option",
		"NAME=VALUE, numbers of --intervene: "+strings.Join(numbers, "; "))
	f.StringVar(&o.Masks, "masks", o.Masks,
		"swap: where the object is, known (of data sets that know it), or estimated from the picture alone: "+
			strings.Join(interventions.MaskNames()[1:], ", "))
	f.StringVar(&o.MaskDir, "mask-dir", o.MaskDir,
		"swap: folder of masks instead, a PNG of each picture's name, in class folders or not; white is the object")
	f.StringVar(&o.Strata, "strata", o.Strata,
		"strata: border (k-means of the pictures' border colours), known (of data sets that know their backgrounds), or a "+
			"file with a picture, a tab and its stratum on each line")
}
