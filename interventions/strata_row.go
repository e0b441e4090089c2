package interventions

import (
	"context"
	"fmt"
	"os"
	"slices"
)

// Values of Options.Strata. Any other value is the path of a file.
const (
	BorderStrata     = "border" // k-means of BorderFeatures
	KnownBackgrounds = "known"  // KnownStrata
)

// strataInfo is the row of Order.
func strataInfo() Info {
	i := Info{
		Name:  "strata",
		About: "the pictures of a batch come from one stratum of backgrounds (backdoor adjustment)",
		Paper: "Tsai et al. 2021, arXiv:2106.02866",
		Options: []Option{
			{Name: "k", Default: 24, Least: 1, Most: 1e6, Whole: true, About: "strata that k-means makes"},
		},
	}
	i.build = func(ctx context.Context, o Options, in Setting, e *Effects) error {
		all, err := o.strata(ctx, in, int(i.numbers(o)["k"]))
		if err != nil {
			return err
		}
		s, err := all.Merge(in.Batch)
		if err != nil {
			return err
		}
		if _, err := Order(s, in.Batch, 0, in.Seed); err != nil {
			return err
		}
		e.Order = func(epoch uint64) []int {
			order, _ := Order(s, in.Batch, epoch, in.Seed) // errors do not depend on the epoch, and epoch 0 had none
			return order
		}
		sizes := s.Sizes()
		e.Notes = append(e.Notes, fmt.Sprintf("strata: %d, merged to %d of %d to %d pictures; a batch is of one",
			len(all.Shares), len(s.Shares), slices.Min(sizes), slices.Max(sizes)))
		return nil
	}
	return i
}

// strata returns the strata that o names, before small ones are merged.
func (o Options) strata(ctx context.Context, in Setting, k int) (Strata, error) {
	switch o.Strata {
	case KnownBackgrounds:
		return KnownStrata(in.Dataset)
	case BorderStrata:
		rows, err := AllBorderFeatures(ctx, in.Dataset, in.Workers)
		if err != nil {
			return Strata{}, err
		}
		return Cluster(rows, ClusterOptions{K: k, Seed: in.Seed})
	}
	f, err := os.Open(o.Strata)
	if err != nil {
		return Strata{}, err
	}
	defer f.Close()
	s, err := ReadStrata(f, in.Dataset)
	if err != nil {
		return s, fmt.Errorf("%s: %w", o.Strata, err)
	}
	return s, nil
}
