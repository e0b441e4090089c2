package runfolder

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// typed returns the value of a setting as typed after its flag, with commas between the parts of lists and pairs.
func typed(v any) string {
	var out []string
	switch v := v.(type) {
	case []any:
		for _, x := range v {
			out = append(out, fmt.Sprint(x))
		}
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(v)) {
			out = append(out, fmt.Sprintf("%s=%v", name, v[name]))
		}
	default:
		return fmt.Sprint(v)
	}
	if len(out) == 0 {
		return "none"
	}
	return strings.Join(out, ",")
}

// remedy tells how to give a flag the value v.
func remedy(name string, v any) string {
	if _, text := v.(string); !text && typed(v) == "none" {
		return fmt.Sprintf("leave --%s out", name)
	}
	return fmt.Sprintf("give --%s=%s", name, typed(v))
}
