// Package ordered has JSON objects whose members keep their order.
package ordered

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// Member is a member of an object.
type Member struct {
	Key   string
	Value any // json.RawMessage where it was read
}

// Object is a JSON object.
type Object []Member

// Get returns the first value of a key.
func (o Object) Get(key string) (value any, ok bool) {
	for _, m := range o {
		if m.Key == key {
			return m.Value, true
		}
	}
	return nil, false
}

// Read reads the value of a key into v, if the object has it. The object is one that was read.
func (o Object) Read(key string, v any) error {
	value, ok := o.Get(key)
	if !ok {
		return nil
	}
	if err := json.Unmarshal(value.(json.RawMessage), v); err != nil {
		return fmt.Errorf("%s: %w", key, err)
	}
	return nil
}

// MarshalJSON implements json.Marshaler.
func (o Object) MarshalJSON() ([]byte, error) {
	b := []byte{'{'}
	for i, m := range o {
		if i > 0 {
			b = append(b, ',')
		}
		for _, part := range []any{m.Key, m.Value} {
			text, err := json.Marshal(part)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", m.Key, err)
			}
			b = append(append(b, text...), ':')
		}
		b = b[:len(b)-1]
	}
	return append(b, '}'), nil
}

// UnmarshalJSON implements json.Unmarshaler. Values are json.RawMessage.
func (o *Object) UnmarshalJSON(data []byte) error {
	*o = nil
	d := json.NewDecoder(bytes.NewReader(data))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return fmt.Errorf("want an object, not %s", bytes.TrimSpace(data[:min(len(data), 20)]))
	}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return err
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return err
		}
		*o = append(*o, Member{key.(string), value})
	}
	return nil
}
