package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestSamplesDoNotReplaceThePictures(t *testing.T) {
	dir := t.TempDir()
	data, err := os.ReadFile("testdata/init/a.png")
	require.NoError(t, err)
	picture, other := filepath.Join(dir, "D", "train", "a", "0.png"), filepath.Join(dir, "samples.png")
	for _, name := range []string{"train/a", "train/b", "test/a", "test/b"} {
		path := filepath.Join(dir, "D", name, "0.png")
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, data, 0o600))
	}
	for _, c := range []struct {
		path   string
		force  bool
		status int
	}{{picture, false, exitUsage}, {picture, true, exitUsage}, {other, false, 0}, {other, false, exitUsage}, {other, true,
		0}, {filepath.Join(dir, "D", "new.png"), false, 0}} {
		args := []string{"datasets", "--dataset", "folder", "--data-dir", filepath.Join(dir, "D"), "--samples", c.path}
		if c.force {
			args = append(args, "--force")
		}
		status, _, errs := do(args...)
		assert.Equal(t, c.status, status, "%v: %s", c, errs)
	}
	kept, err := os.ReadFile(picture)
	require.NoError(t, err)
	assert.Equal(t, data, kept)
}
