package main

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/icl-msr/icl-msr/internal/runfolder"
)

// config.yaml is lost, and the checkpoint is complete. It holds the configuration, and nothing may overwrite it.
func TestALostConfigurationCostsNoRun(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	args := small("--out", dir, "--epochs", "1")
	status, _, errs := do(args...)
	require.Zero(t, status, errs)
	config, err := os.ReadFile(runfolder.Config(dir))
	require.NoError(t, err)
	before, err := os.ReadFile(runfolder.Last(dir))
	require.NoError(t, err)
	require.NoError(t, os.Remove(runfolder.Config(dir)))

	status, _, errs = do(args...)
	assert.Equal(t, exitFailure, status)
	assert.Contains(t, errs, "holds this run already; resume it by --resume")
	status, _, errs = do(append(args, "--resume", "--lr", "0.5")...)
	assert.Equal(t, exitFailure, status)
	assert.Contains(t, errs, "holds a run with lr 0.003, not 0.5")
	now, err := os.ReadFile(runfolder.Last(dir))
	require.NoError(t, err)
	assert.Equal(t, before, now)

	status, _, errs = do("eval", "--run", dir, "--epochs", "1", "--threads", "1")
	require.Zero(t, status, errs)
	status, _, errs = do("embed", "--run", dir, "--out", filepath.Join(dir, "x.npy"), "testdata/init/a.png")
	require.Zero(t, status, errs)
	require.NoError(t, Resume(context.Background(), dir, nil), "the plugin's, too")
	again, err := os.ReadFile(runfolder.Config(dir))
	require.NoError(t, err)
	assert.Equal(t, string(config), string(again))
	require.NoError(t, os.Truncate(runfolder.Config(dir), 0))
	status, _, errs = do(append(args, "--resume")...)
	require.Zero(t, status, errs)
	again, err = os.ReadFile(runfolder.Config(dir))
	require.NoError(t, err)
	assert.Equal(t, string(config), string(again))
}
