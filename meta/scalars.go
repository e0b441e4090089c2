package meta

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/icl-msr/icl-msr/internal/ordered"
)

// Scalar is a named number.
type Scalar struct {
	Name  string
	Value float64
}

// Scalars are numbers in the order in which they are written. Their JSON is an object. What is done with a copy leaves
// the original alone.
type Scalars []Scalar

// Value is the scalar of a name; 0 if there is none.
func (l Scalars) Value(name string) float64 {
	if i := l.find(name); i >= 0 {
		return l[i].Value
	}
	return 0
}

func (l Scalars) find(name string) int {
	return slices.IndexFunc(l, func(s Scalar) bool { return s.Name == name })
}

// set returns the list with another value of a scalar.
func (l Scalars) set(name string, value float64) Scalars {
	i := l.find(name)
	if i < 0 {
		return append(slices.Clip(l), Scalar{name, value})
	}
	out := slices.Clone(l)
	out[i].Value = value
	return out
}

// MarshalJSON implements json.Marshaler.
func (l Scalars) MarshalJSON() ([]byte, error) {
	var o ordered.Object
	for _, s := range l {
		o = append(o, ordered.Member{Key: s.Name, Value: s.Value})
	}
	return json.Marshal(o)
}

// UnmarshalJSON implements json.Unmarshaler. Members that are no numbers are left out.
func (l *Scalars) UnmarshalJSON(data []byte) error {
	var o ordered.Object
	if err := json.Unmarshal(data, &o); err != nil {
		return err
	}
	*l = nil
	for _, m := range o {
		var v any
		if err := o.Read(m.Key, &v); err != nil {
			return fmt.Errorf("scalar %w", err)
		}
		if number, ok := v.(float64); ok {
			*l = append(*l, Scalar{m.Key, number})
		}
	}
	return nil
}
