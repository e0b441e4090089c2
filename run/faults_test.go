package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/icl-msr/icl-msr/internal/runfolder"
)

// classes makes train and test folders of two classes.
func classes(t *testing.T, dir string, train, test int) {
	picturesIn(t, dir, test)
	require.NoError(t, os.Rename(filepath.Join(dir, "train"), filepath.Join(dir, "test")))
	picturesIn(t, dir, train)
}

// onFolder returns the flags of a run of seconds on the pictures of dir.
func onFolder(dir, out string, more ...string) []string {
	return small(append([]string{"--dataset", "folder", "--data-dir", dir, "--batch-size", "8", "--epochs", "1", "--out",
		out}, more...)...)
}

func trained(t *testing.T, dir string, more ...string) (run string) {
	run = filepath.Join(t.TempDir(), "run")
	status, _, errs := do(onFolder(dir, run, more...)...)
	require.Zero(t, status, errs)
	return run
}

// The same data under another name is accepted. Other data under the same name is refused.
func TestResumingWithDataThatMoved(t *testing.T) {
	dir, out := t.TempDir(), filepath.Join(t.TempDir(), "run")
	classes(t, filepath.Join(dir, "here"), 6, 4)
	flags := []string{"--schedule", "constant"}
	status, _, errs := do(onFolder(filepath.Join(dir, "here"), out, flags...)...)
	require.Zero(t, status, errs)
	require.NoError(t, os.Rename(filepath.Join(dir, "here"), filepath.Join(dir, "there")))
	again := append(flags, "--resume", "--epochs", "2")
	status, _, errs = do(onFolder(filepath.Join(dir, "there")+"/", out, again...)...)
	require.Zero(t, status, errs)
	whole := filepath.Join(t.TempDir(), "run")
	status, _, errs = do(onFolder(filepath.Join(dir, "there"), whole, append(flags, "--epochs", "2")...)...)
	require.Zero(t, status, errs)
	assert.Equal(t, tensors(t, whole), tensors(t, out), "1 epoch and 1 more are 2")
	files, err := filepath.Glob(filepath.Join(dir, "there", "train", "*", "*"))
	require.NoError(t, err)
	data, err := os.ReadFile(files[1])
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(files[0], data, 0o600))
	status, _, errs = do(onFolder(filepath.Join(dir, "there"), out, append(flags, "--resume", "--epochs", "3")...)...)
	assert.Equal(t, exitFailure, status)
	assert.Contains(t, errs, "the data is not what the run in "+out+" began with: picture 1 was "+filepath.Base(files[0]))
	require.NoError(t, os.Remove(files[0]))
	status, _, errs = do(onFolder(filepath.Join(dir, "there"), out, append(flags, "--resume", "--epochs", "3")...)...)
	assert.Equal(t, exitFailure, status)
	assert.Contains(t, errs, "picture 1 was")
}

// A run can be lengthened if this would not have changed the epochs that are done.
func TestMoreEpochs(t *testing.T) {
	dir := t.TempDir()
	for name, c := range map[string]struct {
		flags  []string
		status int
		want   string
	}{
		"cosine": {[]string{"--schedule", "cosine"}, exitUsage,
			"would have changed the steps that are done (--schedule cosine): give --epochs 2, or start anew from its weights " +
				"by --init"},
		"a drop was there": {[]string{"--schedule", "step", "--drops", "1"}, exitUsage, "--schedule step"},
		"byol's momentum": {[]string{"--schedule", "constant", "--method", "byol"}, exitUsage,
			"--method byol follows the run's length"},
		"swav's prototypes": {[]string{"--schedule", "constant", "--method", "swav", "--prototypes", "8", "--queue", "0",
			"--count", "512"}, exitUsage, "--method swav follows"},
		"drops are far": {[]string{"--schedule", "step", "--drops", "7"}, 0, ""},
		"constant":      {[]string{"--schedule", "constant", "--warmup", "3"}, 0, ""},
	} {
		run := filepath.Join(dir, name)
		status, _, errs := do(small(append(c.flags, "--out", run)...)...)
		require.Zero(t, status, errs)
		more := "4"
		if name == "swav's prototypes" {
			more = "40"
		}
		status, _, errs = do(small(append(c.flags, "--out", run, "--resume", "--epochs", more)...)...)
		assert.Equal(t, c.status, status, "%s: %s", name, errs)
		assert.Contains(t, errs, c.want, name)
	}
	status, _, errs := do(small("--schedule", "constant", "--warmup", "3", "--out", filepath.Join(dir, "constant"),
		"--resume", "--epochs", "1")...)
	assert.Equal(t, exitUsage, status)
	assert.Contains(t, errs, "--epochs 1 is less than the 4 that it has done: leave --epochs out")
}

// If the newest checkpoint is damaged, the newest complete one is used, and a message says so.
func TestANumberedCheckpointStandsInForTheLast(t *testing.T) {
	dir := t.TempDir()
	run, whole := filepath.Join(dir, "run"), filepath.Join(dir, "whole")
	status, _, errs := do(small("--save-every", "1", "--out", run)...)
	require.Zero(t, status, errs)
	require.NoError(t, os.Rename(run, whole))
	for name, damage := range map[string]func(path string) error{"gone": os.Remove,
		"cut": func(path string) error { return os.Truncate(path, 1000) }} {
		require.NoError(t, os.CopyFS(run, os.DirFS(whole)))
		require.NoError(t, damage(runfolder.Last(run)), name)
		require.NoError(t, os.Remove(runfolder.Checkpoint(run, 2)), name)
		status, out, errs := do("eval", "--run", run, "--epochs", "2", "--threads", "1")
		require.Zero(t, status, errs)
		assert.Contains(t, out, "epoch-0001.safetensors after 1 epochs", name)
		status, _, errs = do(small("--save-every", "1", "--out", run, "--resume")...)
		require.Zero(t, status, errs)
		assert.Contains(t, errs, "resumed at epoch 1, batch 0", name)
		assert.Equal(t, tensors(t, whole), tensors(t, run), name)
		require.NoError(t, os.RemoveAll(run))
	}
	// The run was killed between the last checkpoint and the numbered one. Resuming writes the numbered one.
	require.NoError(t, os.CopyFS(run, os.DirFS(whole)))
	require.NoError(t, os.Remove(runfolder.Checkpoint(run, 2)))
	status, _, errs = do(small("--save-every", "1", "--out", run, "--resume")...)
	require.Zero(t, status, errs)
	want, err := os.ReadFile(runfolder.Checkpoint(whole, 2))
	require.NoError(t, err)
	got, err := os.ReadFile(runfolder.Checkpoint(run, 2))
	require.NoError(t, err)
	assert.Equal(t, want, got)
}

// No checkpoint has values that are not finite. The message about the last checkpoint is true.
func TestADivergedRunKeepsWhatWasWhole(t *testing.T) {
	run := filepath.Join(t.TempDir(), "run")
	// The first step's loss is finite, and the parameters after it are not.
	status, _, errs := do(small("--optimizer", "sgd", "--lr", "3e38", "--weight-decay", "100", "--batch-size", "64",
		"--epochs", "1", "--out", run)...)
	assert.Equal(t, exitFailure, status)
	assert.Contains(t, errs, "not finite")
	assert.Contains(t, errs, "no checkpoint was written before that")
	assert.NoFileExists(t, runfolder.Last(run))
	status, _, errs = do(small("--optimizer", "sgd", "--lr", "1e38", "--epochs", "1", "--out", run+"2")...)
	assert.Equal(t, exitFailure, status)
	assert.Contains(t, errs, "no checkpoint was written before that")
}
