package settings

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// NamedValues are NAME=VALUE pairs, the value of a flag that may be given several times.
type NamedValues map[string]float64

// String implements pflag.Value.
func (o NamedValues) String() string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(o)) {
		out = append(out, fmt.Sprintf("%s=%g", name, o[name]))
	}
	return strings.Join(out, ",")
}

// Set implements pflag.Value.
func (o *NamedValues) Set(s string) error {
	for pair := range strings.SplitSeq(s, ",") {
		name, value, ok := strings.Cut(pair, "=")
		if !ok || name == "" {
			return fmt.Errorf("%q: want NAME=VALUE", pair)
		}
		v, err := strconv.ParseFloat(value, 64)
		if err != nil {
			return fmt.Errorf("%s=%s: want a number", name, value)
		}
		if *o == nil {
			*o = NamedValues{}
		}
		(*o)[name] = v
	}
	return nil
}

// Type implements pflag.Value.
func (o *NamedValues) Type() string { return "name=value" }
