package eval

import (
	"fmt"
	"math/rand/v2"
)

// SharePairs are the pairs of pictures that MeasureForegroundShare compares.
type SharePairs struct {
	Twins      [][2]int64 // a picture, and the twin with the same number
	Background [][2]int64 // different classes, one kind of background
	Unrelated  [][2]int64 // different classes, different kinds of background
}

// Draws for a pair: how often a partner is looked for before the picture is left out.
const pairDraws = 100

// ChooseSharePairs draws partners of each kind for each picture, from its label, the kind of its background and that
// of its twin's background (datasets.TwinsOf): as many as each says, and its twin if that has another kind of
// background. The pairs depend on the seed and on these numbers alone. It is an error if there are none of a kind.
func ChooseSharePairs(labels, background, twinBackground []int, each int, seed uint64) (SharePairs, error) {
	n := len(labels)
	if len(background) != n || len(twinBackground) != n || each < 1 {
		return SharePairs{}, fmt.Errorf("eval: %d labels, %d backgrounds and %d of twins, and %d pairs each", n,
			len(background), len(twinBackground), each)
	}
	byKind := map[int][]int{}
	all := make([]int, n)
	for i, b := range background {
		if labels[i] < 0 || b < 0 {
			return SharePairs{}, fmt.Errorf("eval: picture %d has no label, or no known background", i)
		}
		byKind[b], all[i] = append(byKind[b], i), i
	}
	var p SharePairs
	for i := range n {
		if twinBackground[i] != background[i] {
			p.Twins = append(p.Twins, [2]int64{int64(i), int64(i)})
		}
		rng := rand.New(rand.NewPCG(seed, uint64(i)))
		for range each {
			other := func(j int) bool { return labels[j] != labels[i] }
			p.Background = appendPair(p.Background, i, byKind[background[i]], rng, other)
			p.Unrelated = appendPair(p.Unrelated, i, all, rng, func(j int) bool {
				return other(j) && background[j] != background[i]
			})
		}
	}
	if len(p.Twins) == 0 || len(p.Background) == 0 || len(p.Unrelated) == 0 {
		return p, fmt.Errorf("eval: of %d pictures %d have a twin on another background, %d pairs share their background "+
			"alone, and %d pairs nothing: the foreground share needs some of each", n, len(p.Twins), len(p.Background),
			len(p.Unrelated))
	}
	return p, nil
}

// appendPair adds a pair of i and one of some pictures that fits, if one is found.
func appendPair(pairs [][2]int64, i int, some []int, rng *rand.Rand, fits func(j int) bool) [][2]int64 {
	for range pairDraws {
		if j := some[rng.IntN(len(some))]; fits(j) {
			return append(pairs, [2]int64{int64(i), int64(j)})
		}
	}
	return pairs
}
