package interventions

import (
	"context"
	"fmt"
	"slices"

	"github.com/icl-msr/icl-msr/datasets"
	"github.com/icl-msr/icl-msr/internal/field"
	"github.com/icl-msr/icl-msr/internal/suggest"
)

// KnownMasks is the value of Options.Masks that selects the masks of the data set.
const KnownMasks = "known"

// swapInfo is the row of Swap.
func swapInfo() Info {
	i := Info{
		Name:  "swap",
		About: "a view shows its object on another picture's background",
		Paper: "Ryali et al. 2021, arXiv:2103.12719",
		Options: []Option{
			{Name: "p", Default: 1, Most: 1, About: "probability that a view is swapped"},
			{Name: "one-view", Most: 1, Whole: true, About: "1: only the first view of a picture is swapped"},
		},
	}
	i.build = func(_ context.Context, o Options, in Setting, e *Effects) error {
		masks, err := o.masks(in.Dataset)
		if err != nil {
			return err
		}
		n := i.numbers(o)
		swap, err := NewSwap(in.Dataset, masks, SwapOptions{P: n["p"], OneView: n["one-view"] == 1, Seed: in.Seed})
		if err != nil {
			return err
		}
		from := "masks " + o.Masks
		if o.MaskDir != "" {
			from = "masks of " + o.MaskDir
		}
		e.Pictures = swap
		e.Notes = append(e.Notes, fmt.Sprintf("swap: backgrounds of other pictures, %s, p %g", from, n["p"]))
		return nil
	}
	return i
}

// MaskNames lists the values of Options.Masks.
func MaskNames() []string {
	names := []string{KnownMasks}
	for _, e := range Estimators() {
		names = append(names, e.Name)
	}
	return names
}

func (o Options) checkMasks() error {
	if o.MaskDir != "" && !o.Has("swap") {
		return field.Errorf("{interventions.MaskDir} %s: no intervention uses masks; give {interventions.Names} swap",
			o.MaskDir)
	}
	if o.MaskDir != "" && o.Masks == KnownMasks {
		return field.Errorf("{interventions.MaskDir} %s: masks come from there, and not from {interventions.Masks} %s; "+
			"leave one out", o.MaskDir, KnownMasks)
	}
	if o.Masks == KnownMasks || o.Masks == "" {
		return nil
	}
	if !slices.Contains(MaskNames(), o.Masks) {
		return suggest.Unknown("{interventions.Masks}", o.Masks, MaskNames())
	}
	return nil
}

// masks returns the source of masks that o names.
func (o Options) masks(ds datasets.Dataset) (MaskSource, error) {
	switch {
	case o.MaskDir != "":
		return NewFolder(o.MaskDir, ds)
	case o.Masks == KnownMasks:
		return NewKnown(ds)
	}
	e, err := EstimatorNamed(o.Masks)
	return Estimated{e}, err
}
