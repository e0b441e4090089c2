package train

import (
	"encoding/json"
	"fmt"
	"math"

	"github.com/icl-msr/icl-msr/datasets"
	"github.com/icl-msr/icl-msr/eval"
	"github.com/icl-msr/icl-msr/internal/ordered"
)

// Score is the evaluation on one variant of the test pictures. Its JSON has a member for each evaluator: a number if
// the evaluator has a single figure, otherwise an object of figures.
type Score struct {
	Variant     datasets.Variant
	Figures     []eval.Figure // of all evaluators; those read from a file have no titles
	ProbeEpochs int           // of the linear probe
	Train       PictureCount
	Test        PictureCount
}

// Value returns the value of a figure by its key, such as "linear.top1". It is NaN if there is none.
func (s Score) Value(key string) float64 {
	for _, f := range s.Figures {
		if f.Key() == key {
			return f.Value
		}
	}
	return math.NaN()
}

// With returns f with its value in this score.
func (s Score) With(f eval.Figure) eval.Figure {
	f.Value = s.Value(f.Key())
	return f
}

// Has reports whether the score has the main figures of all evaluators of a list.
func (s Score) Has(list eval.List) bool {
	for _, f := range list.Main() {
		if math.IsNaN(s.Value(f.Key())) {
			return false
		}
	}
	return true
}

// around returns the members of a score's JSON before and after those of evaluators.
func (s *Score) around() (before, after []scoreMember) {
	return []scoreMember{{"variant", &s.Variant}}, []scoreMember{
		{"probe_epochs", &s.ProbeEpochs},
		{"train_pictures", &s.Train},
		{"test_pictures", &s.Test},
	}
}

type scoreMember struct {
	key   string
	value any
}

// MarshalJSON implements json.Marshaler.
func (s Score) MarshalJSON() ([]byte, error) {
	var out ordered.Object
	before, after := s.around()
	for _, m := range before {
		out = append(out, ordered.Member{Key: m.key, Value: m.value})
	}
	out = append(out, members(s.Figures)...)
	for _, m := range after {
		out = append(out, ordered.Member{Key: m.key, Value: m.value})
	}
	return json.Marshal(out)
}

// UnmarshalJSON implements json.Unmarshaler.
func (s *Score) UnmarshalJSON(data []byte) error {
	var o ordered.Object
	if err := json.Unmarshal(data, &o); err != nil {
		return err
	}
	*s = Score{}
	before, after := s.around()
	known := map[string]bool{}
	for _, m := range append(before, after...) {
		known[m.key] = true
		if err := o.Read(m.key, m.value); err != nil {
			return err
		}
	}
	for _, m := range o {
		if known[m.Key] {
			continue
		}
		figures, err := figuresOf(m)
		if err != nil {
			return err
		}
		s.Figures = append(s.Figures, figures...)
	}
	return nil
}

// members returns the figures as members of JSON: a number for each evaluator, or an object of its named numbers. It
// leaves out figures without a value, which JSON cannot hold.
func members(figures []eval.Figure) (out ordered.Object) {
	for _, f := range figures {
		if math.IsNaN(f.Value) {
			continue
		}
		if f.Name == "" {
			out = append(out, ordered.Member{Key: f.Evaluator, Value: f.Value})
			continue
		}
		if n := len(out); n == 0 || out[n-1].Key != f.Evaluator {
			out = append(out, ordered.Member{Key: f.Evaluator, Value: ordered.Object(nil)})
		}
		last := &out[len(out)-1]
		last.Value = append(last.Value.(ordered.Object), ordered.Member{Key: f.Name, Value: f.Value})
	}
	return out
}

// figuresOf undoes members for one evaluator. The figures have no titles, which JSON does not hold.
func figuresOf(m ordered.Member) (out []eval.Figure, err error) {
	text, _ := m.Value.(json.RawMessage)
	f := eval.Figure{Evaluator: m.Key}
	if json.Unmarshal(text, &f.Value) == nil {
		return []eval.Figure{f}, nil
	}
	var named ordered.Object
	if err := json.Unmarshal(text, &named); err != nil {
		return nil, fmt.Errorf("evaluator %s: %w", m.Key, err)
	}
	for _, v := range named {
		f.Name = v.Key
		if err := named.Read(v.Key, &f.Value); err != nil {
			return nil, fmt.Errorf("evaluator %s: %w", m.Key, err)
		}
		out = append(out, f)
	}
	return out, nil
}
