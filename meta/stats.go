package meta

import "encoding/json"

// Step are the figures of one step, for hooks.
type Step struct {
	Epoch, Epochs int // from 0; of the whole run
	Phase         Phase
	Batch         int     // of the phase, from 0
	Batches       int     // of a phase in which none is left out
	Pictures      int     // of the batch
	Loss          float64 // L_to in the regular phase, the meta objective in the other
	LR            float64 // of theta's optimizer, or f_msr's
	Scalars       Scalars // of this step, named as those of epochs
}

// Epoch are the figures of one epoch: means over its steps. docs/reference/files.md has their meaning.
type Epoch struct {
	Epoch   int // from 0
	Scalars Scalars
}

// Value is the scalar of a name, as "l_ct"; 0 if there is none.
func (e Epoch) Value(name string) float64 { return e.Scalars.Value(name) }

// MarshalJSON implements json.Marshaler: an object with the epoch and the scalars.
func (e Epoch) MarshalJSON() ([]byte, error) {
	return json.Marshal(append(Scalars{{"epoch", float64(e.Epoch)}}, e.Scalars...))
}

// UnmarshalJSON implements json.Unmarshaler.
func (e *Epoch) UnmarshalJSON(data []byte) error {
	var all Scalars
	if err := json.Unmarshal(data, &all); err != nil {
		return err
	}
	*e = Epoch{Epoch: int(all.Value("epoch"))}
	for _, s := range all {
		if s.Name != "epoch" {
			e.Scalars = append(e.Scalars, s)
		}
	}
	return nil
}

// scalarOfEpoch is how a scalar of an epoch follows from the sums over its steps.
type scalarOfEpoch struct {
	name     string
	of       func(s Sums) float64
	optional bool // left out where it is 0, as those of MSR without MSR
}

// scalarsOfEpoch are an epoch's scalars: the keys of metrics.jsonl, in their order. Losses are the paper's: L_to (eq.
// 5), L_ct (eq. 1 or the method's own), L_msr (eq. 6), L_uni (eq. 9). Norms are of gradients on f_msr.
func scalarsOfEpoch() []scalarOfEpoch {
	total := func(name string) func(Sums) float64 { return func(s Sums) float64 { return s.Value(name) } }
	regular := func(name string) func(Sums) float64 {
		return func(s Sums) float64 { return s.mean(name, regularSteps) }
	}
	meta := func(name string) func(Sums) float64 { return func(s Sums) float64 { return s.mean(name, metaSteps) } }
	return []scalarOfEpoch{
		{"lr", total("lr"), false}, // of the last regular step
		{"l_to", regular("l_to"), false},
		{"l_ct", regular("l_ct"), false},
		{"l_msr", regular("l_msr"), true},
		{"meta_l_ct", meta("meta_l_ct"), true},           // at theta
		{"meta_l_ct_fast", meta("meta_l_ct_fast"), true}, // at theta1
		{"l_uni", meta("l_uni"), true},
		{"grad_norm_l_ct_fast", meta("grad_norm_l_ct_fast"), true}, // of L_ct(theta1)
		{"grad_norm_l_uni", meta("grad_norm_l_uni"), true},         // of gamma L_uni
		{"gamma", meta("gamma"), true},                             // after balancing
		{"embedding_std", regular("embedding_std"), false},         // times sqrt(d): 1 is spread out, 0 collapsed
		{"effective_rank", total("effective_rank"), false},         // of the last batch's embeddings: 1 to d
		{"steps", total(regularSteps), false},
		{"meta_steps", total(metaSteps), false},
		{"images_per_second", Sums.imagesPerSecond, false},
		{"seconds_regular", total(regularSeconds), false},
		{"seconds_meta", total(metaSeconds), false},
		{"data_wait_share", Sums.waitShare, false}, // of the epoch's time, waiting for data
	}
}

// epoch are the figures of epoch n.
func (s Sums) epoch(n int) Epoch {
	e := Epoch{Epoch: n}
	for _, row := range scalarsOfEpoch() {
		if v := row.of(s); v != 0 || !row.optional {
			e.Scalars = append(e.Scalars, Scalar{row.name, v})
		}
	}
	return e
}
