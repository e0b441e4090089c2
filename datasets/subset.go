package datasets

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/icl-msr/icl-msr/transforms"
)

// subset has some pictures of a data set, in order.
type subset struct {
	Dataset
	name  string
	which []int
}

func (d *subset) Name() string                          { return d.name }
func (d *subset) Len() int                              { return len(d.which) }
func (d *subset) Label(i int) int                       { return d.Dataset.Label(d.which[i]) }
func (d *subset) Image(i int) (transforms.Image, error) { return d.Dataset.Image(d.which[i]) }

// Part implements Partial.
func (d *subset) Part(i int, need Need) (transforms.Part, error) {
	return readPart(d.Dataset, d.which[i], need)
}

// Share returns a random share of the labelled pictures of ds, drawn by the seed. It takes the same share
// of each class, and at least one picture.
func Share(ds Dataset, share float64, seed uint64) (Dataset, error) {
	if !(share > 0 && share <= 1) {
		return nil, fmt.Errorf("a share %g of the labels; want more than 0 and at most 1", share)
	}
	byClass := make([][]int, len(ds.Classes()))
	for i := range ds.Len() {
		if l := ds.Label(i); l >= 0 {
			byClass[l] = append(byClass[l], i)
		}
	}
	d := &subset{Dataset: ds, name: fmt.Sprintf("%g%% of %s", 100*share, ds.Name())}
	for class, pictures := range byClass {
		if len(pictures) == 0 {
			continue
		}
		rng := rand.New(rand.NewPCG(seed^0x7368617265, uint64(class)))
		rng.Shuffle(len(pictures), func(a, b int) { pictures[a], pictures[b] = pictures[b], pictures[a] })
		d.which = append(d.which, pictures[:max(1, int(math.Round(share*float64(len(pictures)))))]...)
	}
	if len(d.which) == 0 {
		return nil, fmt.Errorf("%s has no labels", ds.Name())
	}
	slices.Sort(d.which)
	return d, nil
}
