package interventions

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/icl-msr/icl-msr/internal/field"
)

// orderSalt keeps the random stream of orders apart from the loader's.
const orderSalt = 0x7374726174610000

// Order returns the pictures of an epoch so that each batch, Order[k*batch : (k+1)*batch], is of one stratum. There are
// as many batches as whole ones in the data set. Their numbers by stratum follow the shares, exactly in the mean over
// epochs and within one batch in each. Within an epoch a stratum's pictures come in a random order, and begin again in
// another one if its batches need more; no batch holds a picture twice.
//
// The order depends on (epoch, seed) alone, so that all processes of a job have the same, and a run that is resumed at
// a step finds the rest of it. Strata with fewer pictures than a batch are an error: merge them before (Strata.Merge).
func Order(s Strata, batch int, epoch, seed uint64) ([]int, error) {
	if batch < 1 || batch > len(s.Of) {
		return nil, field.Errorf("{datasets.BatchSize} %d: want 1 to %d, the number of pictures", batch, len(s.Of))
	}
	members := make([][]int, len(s.Shares))
	for i, b := range s.Of {
		members[b] = append(members[b], i)
	}
	for b, m := range members {
		if len(m) < batch {
			return nil, fmt.Errorf("interventions: stratum %d has %d pictures, fewer than a batch of %d: merge strata",
				b, len(m), batch)
		}
	}
	rng := rand.New(rand.NewPCG(seed^orderSalt, epoch))
	steps := len(s.Of) / batch
	turns := deal(s.Shares, steps, rng.Float64())
	rng.Shuffle(len(turns), func(i, j int) { turns[i], turns[j] = turns[j], turns[i] })
	decks := make([]deck, len(members))
	for b, m := range members {
		decks[b] = deck{cards: m, at: len(m)}
	}
	out := make([]int, 0, steps*batch)
	for _, b := range turns {
		out = decks[b].take(out, batch, rng)
	}
	return out, nil
}

// deal lists the strata of the batches by systematic sampling: stratum b has floor(u + steps * cumulative share)
// batches more than the strata before it.
func deal(shares []float64, steps int, u float64) (turns []int) {
	sum := 0.0
	for b, share := range shares {
		sum += share
		upto := int(math.Floor(u + float64(steps)*sum))
		if b == len(shares)-1 {
			upto = steps
		}
		for len(turns) < min(upto, steps) {
			turns = append(turns, b)
		}
	}
	return turns
}

// deck deals a stratum's pictures.
type deck struct {
	cards []int
	at    int
}

// take appends n pictures, none of them twice. n is at most the deck's length.
func (d *deck) take(out []int, n int, rng *rand.Rand) []int {
	left := d.cards[d.at:]
	if len(left) >= n {
		d.at += n
		return append(out, left[:n]...)
	}
	// What is left goes to the front, behind which the others are shuffled; afterwards all may come again.
	rest := append(append([]int(nil), left...), d.cards[:d.at]...)
	others := rest[len(left):]
	rng.Shuffle(len(others), func(i, j int) { others[i], others[j] = others[j], others[i] })
	out = append(out, rest[:n]...)
	d.cards, d.at = rest, n
	return out
}
