package meta

import "encoding/json"

// Names of sums that are no scalars of steps.
const (
	regularSteps   = "steps"
	metaSteps      = "meta"
	pictures       = "pictures" // of regular steps
	regularSeconds = "seconds_regular"
	metaSeconds    = "seconds_meta"
	waitedSeconds  = "seconds_waited"
)

// Sums accumulate an epoch's figures by their names. They are part of a checkpoint, so that a resumed epoch reports the
// same means.
type Sums struct{ scalars Scalars }

// Value is the sum of a name; 0 if nothing was added.
func (s Sums) Value(name string) float64 { return s.scalars.Value(name) }

func (s *Sums) add(name string, v float64) { s.set(name, s.Value(name)+v) }

func (s *Sums) set(name string, v float64) { s.scalars = s.scalars.set(name, v) }

// step adds a step's scalars, and counts it.
func (s *Sums) step(count string, scalars Scalars) {
	s.add(count, 1)
	for _, x := range scalars {
		if x.Name == "lr" {
			s.set(x.Name, x.Value)
		} else {
			s.add(x.Name, x.Value)
		}
	}
}

// mean is a sum over the number of steps.
func (s Sums) mean(name, count string) float64 { return s.Value(name) / max(1, s.Value(count)) }

func (s Sums) imagesPerSecond() float64 { return ratio(s.Value(pictures), s.Value(regularSeconds)) }

func (s Sums) waitShare() float64 {
	return ratio(s.Value(waitedSeconds), s.Value(regularSeconds)+s.Value(metaSeconds))
}

// ratio is a/b; 0 where b is 0.
func ratio(a, b float64) float64 {
	if b > 0 {
		return a / b
	}
	return 0
}

// MarshalJSON implements json.Marshaler.
func (s Sums) MarshalJSON() ([]byte, error) { return json.Marshal(s.scalars) }

// UnmarshalJSON implements json.Unmarshaler. Earlier versions had other names for three sums.
func (s *Sums) UnmarshalJSON(data []byte) error {
	if err := json.Unmarshal(data, &s.scalars); err != nil {
		return err
	}
	renamed := map[string]string{
		"l_ct_fast": "meta_l_ct_fast",
		"norm_ct":   "grad_norm_l_ct_fast",
		"norm_uni":  "grad_norm_l_uni",
	}
	for i, x := range s.scalars {
		if name, ok := renamed[x.Name]; ok {
			s.scalars[i].Name = name
		}
	}
	return nil
}
