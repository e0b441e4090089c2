// Package reference finds and reads the reference values of tests: those in a package's testdata/reference, and every
// *.json in the folder that REFERENCE_DIR names.
package reference

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// Each calls run with the content of each file. It prints "reference FILE: N cases" with the number of cases that run
// returns: 0 for a file of another schema, which is skipped with a note.
func Each(t *testing.T, run func(t *testing.T, data []byte) (cases int)) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", "reference", "*.json"))
	require.NoError(t, err)
	require.NotEmpty(t, files, "the package's own reference values are missing")
	if dir := os.Getenv("REFERENCE_DIR"); dir != "" {
		more, err := filepath.Glob(filepath.Join(dir, "*.json"))
		require.NoError(t, err)
		require.NotEmpty(t, more, "REFERENCE_DIR=%s has no *.json", dir)
		files = append(files, more...)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			data, err := os.ReadFile(file)
			require.NoError(t, err)
			n := run(t, data)
			if n == 0 {
				t.Logf("%s holds nothing for this package", file)
				return
			}
			fmt.Printf("reference %s: %d cases\n", filepath.Base(file), n)
		})
	}
}

// Array is a row-major array of any dimension: {"shape": [...], "data": [...]},
// or nested lists of numbers.
type Array struct {
	Shape []int64
	Data  []float64
}

// UnmarshalJSON reads both forms.
func (a *Array) UnmarshalJSON(data []byte) error {
	var flat struct {
		Shape []int64   `json:"shape"`
		Data  []float64 `json:"data"`
	}
	if err := json.Unmarshal(data, &flat); err == nil {
		a.Shape, a.Data = flat.Shape, flat.Data
		return nil
	}
	var nested any
	if err := json.Unmarshal(data, &nested); err != nil {
		return err
	}
	a.Shape, a.Data = nil, nil
	return a.flatten(nested, 0)
}

func (a *Array) flatten(v any, depth int) error {
	switch v := v.(type) {
	case float64:
		a.Data = append(a.Data, v)
		return nil
	case []any:
		if len(a.Shape) == depth {
			a.Shape = append(a.Shape, int64(len(v)))
		}
		for _, e := range v {
			if err := a.flatten(e, depth+1); err != nil {
				return err
			}
		}
		return nil
	}
	return fmt.Errorf("reference: %T in an array of numbers", v)
}

// Near requires that got differs from want by at most rtol times want's largest entry.
func Near(t *testing.T, want, got []float64, rtol float64, what string) {
	t.Helper()
	require.Len(t, got, len(want), what)
	scale := 1e-300
	for _, w := range want {
		scale = max(scale, w, -w)
	}
	for i := range want {
		require.InDelta(t, want[i], got[i], rtol*scale, "%s, entry %d of %d", what, i, len(want))
	}
}
