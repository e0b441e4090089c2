package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A name with escape sequences is shown with escapes in text, and unchanged in data.
func TestNamesAreShownAndNotObeyed(t *testing.T) {
	const bad = "\x1b[31mred\r\n\u202ex"
	dir := filepath.Join(t.TempDir(), bad)
	status, _, errs := do("pretrain", "--dataset", "folder", "--data-dir", dir)
	assert.Equal(t, exitFailure, status)
	assert.Contains(t, errs, `\x1b[31mred\x0d\n\u202ex`)
	assert.Equal(t, 1, strings.Count(errs, "\n"), errs)
	for _, class := range []string{"a", bad} {
		for _, part := range []string{"train", "test"} {
			at := filepath.Join(dir, part, class)
			require.NoError(t, os.MkdirAll(at, 0o755))
			for _, name := range []string{"a.png", "b.png"} {
				data, err := os.ReadFile("testdata/init/" + name)
				require.NoError(t, err)
				require.NoError(t, os.WriteFile(filepath.Join(at, bad+name), data, 0o600))
			}
		}
	}
	status, out, errs := do("datasets", "--dataset", "folder", "--data-dir", dir)
	require.Zero(t, status, errs)
	assert.Contains(t, out+errs, `\x1b`)
	for _, text := range []string{out, errs} {
		assert.NotContains(t, text, "\x1b")
		assert.NotContains(t, text, "\u202e")
	}
}
