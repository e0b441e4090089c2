package interventions

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/icl-msr/icl-msr/internal/field"
)

// orderSalt keeps the random stream of orders apart from the loader's.
const orderSalt = 0x7374726174610000

// Order returns the pictures of an epoch so that each batch, Order[k*batch : (k+1)*batch], is of one stratum. The
// number of batches is that of the whole batches in the data set. Each stratum gets batches by its share: exactly in
// the mean over epochs, and within one batch in each epoch. Within an epoch a stratum's pictures come in a random
// order. If its batches need more pictures, the stratum begins again in another order. No batch holds a picture twice.
//
// The order depends only on (epoch, seed). Therefore all processes of a job have the same order, and a run that resumes
// in the middle of an epoch has the rest of it. A stratum with fewer pictures than a batch is an error: merge strata
// first (Strata.Merge).
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

// deal assigns strata to batches by systematic sampling: after stratum b, floor(u + steps * cumulative share) batches
// are assigned.
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

// take appends n different pictures. n is at most the deck's length.
func (d *deck) take(out []int, n int, rng *rand.Rand) []int {
	left := d.cards[d.at:]
	if len(left) >= n {
		d.at += n
		return append(out, left[:n]...)
	}
	// The pictures that were not dealt yet come first, and the others follow in a new order. From then on all may come
	// again.
	rest := append(append([]int(nil), left...), d.cards[:d.at]...)
	others := rest[len(left):]
	rng.Shuffle(len(others), func(i, j int) { others[i], others[j] = others[j], others[i] })
	out = append(out, rest[:n]...)
	d.cards, d.at = rest, n
	return out
}
