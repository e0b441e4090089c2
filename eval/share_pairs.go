package eval

import (
	"fmt"
	"math/rand/v2"
)

// SharePairs are what MeasureForegroundShare compares: pairs of a picture and the twin of a picture. All three kinds
// have the same pictures first and twins second, so that backgrounds of the same two distributions meet in each. Pairs
// of pictures for one kind and of twins for another would give an embedding of the background alone a share above 0.
type SharePairs struct {
	Twins      [][2]int64 // one picture: the same object on another kind of background
	Background [][2]int64 // different classes, one kind of background
	Unrelated  [][2]int64 // different classes, different kinds of background
}

// pairDraws is how often a partner is looked for before the picture is left out.
const pairDraws = 200

// ChooseSharePairs draws partners of both kinds for each picture, as many as each says, from its label, the kind of its
// background and that of its twin's background (datasets.TwinsOf). Pictures whose twin has the same kind of background,
// and those without partners, are left out. The pairs depend on the seed and on these numbers alone. It is an error if
// no picture is left.
func ChooseSharePairs(labels, background, twinBackground []int, each int, seed uint64) (SharePairs, error) {
	c := chooser{labels: labels, background: background, twins: twinBackground}
	if err := c.check(each); err != nil {
		return SharePairs{}, err
	}
	byKind, all := map[int][]int{}, make([]int, len(labels))
	for i, b := range twinBackground {
		byKind[b], all[i] = append(byKind[b], i), i
	}
	var p SharePairs
	for i := range labels {
		if twinBackground[i] == background[i] {
			continue
		}
		rng := rand.New(rand.NewPCG(seed, uint64(i)))
		same := c.partners(i, byKind[background[i]], true, each, rng)
		other := c.partners(i, all, false, each, rng)
		if len(same) < each || len(other) < each {
			continue
		}
		p.Twins = append(p.Twins, [2]int64{int64(i), int64(i)})
		p.Background, p.Unrelated = append(p.Background, same...), append(p.Unrelated, other...)
	}
	if len(p.Twins) == 0 {
		return p, fmt.Errorf("eval: none of %d pictures has a twin on another kind of background, a picture of another "+
			"class whose twin is on its own kind, and one that has neither in common", len(labels))
	}
	return p, nil
}

// chooser finds partners of pictures.
type chooser struct{ labels, background, twins []int }

func (c chooser) check(each int) error {
	n := len(c.labels)
	if len(c.background) != n || len(c.twins) != n || each < 1 {
		return fmt.Errorf("eval: %d labels, %d backgrounds and %d of twins, and %d pairs each", n, len(c.background),
			len(c.twins), each)
	}
	for i := range n {
		if c.labels[i] < 0 || c.background[i] < 0 || c.twins[i] < 0 {
			return fmt.Errorf("eval: picture %d has no label, or no known background", i)
		}
	}
	return nil
}

// partners draws twins of another class for i among some pictures, on i's kind of background or on another.
func (c chooser) partners(i int, some []int, same bool, each int, rng *rand.Rand) (pairs [][2]int64) {
	for range pairDraws * each {
		if len(pairs) == each || len(some) == 0 {
			break
		}
		j := some[rng.IntN(len(some))]
		if c.labels[j] != c.labels[i] && (c.twins[j] == c.background[i]) == same {
			pairs = append(pairs, [2]int64{int64(i), int64(j)})
		}
	}
	return pairs
}
