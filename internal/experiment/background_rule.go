package experiment

import (
	"github.com/icl-msr/icl-msr/internal/page"
)

// margin is the equivalence margin, in percentage points of the gap.
const margin = 1.0

// firstLook is the number of pairs at the first look.
const firstLook = 4

// looks returns the numbers of pairs at which the rule looks at an arm: each even number from firstLook on, and the
// planned number.
func looks(planned int) (at []int) {
	for n := firstLook; n < planned; n += 2 {
		at = append(at, n)
	}
	if planned >= firstLook {
		at = append(at, planned)
	}
	return at
}

// decision is the sequential rule's decision about an arm.
type decision string

const (
	undecided  decision = "undecided"
	differs    decision = "its gap differs"
	equivalent decision = "its gap is the method's within one point"
)

// decide applies the rule to an arm's paired differences in the gap. The interval at each look has the confidence 1 -
// 0.05/(number of looks), so that all looks together err with probability 0.05 at most. The first look that decides is
// final.
func decide(method, arm []float64, planned int) decision {
	at := looks(planned)
	for _, n := range at {
		if n > len(method) || n > len(arm) {
			break
		}
		d := page.Pair(method[:n], arm[:n])
		lo, hi := d.IntervalAt(1 - 0.05/float64(len(at)))
		switch {
		case lo > -margin && hi < margin:
			return equivalent
		case lo > 0 || hi < 0:
			return differs
		}
	}
	return undecided
}

// decision returns the decision about arm i so far.
func (g *Background) decision(i int) decision {
	method, arm := g.pairs(i, outcome{of: gap})
	return decide(method, arm, g.Seeds)
}

// pairs returns an outcome of the method and of arm i, for the seeds that both have.
func (g *Background) pairs(i int, o outcome) (method, arm []float64) {
	for _, x := range g.found[0] {
		for _, y := range g.found[i] {
			if x.seed == y.seed {
				method, arm = append(method, o.of(x.score)), append(arm, o.of(y.score))
			}
		}
	}
	return method, arm
}
