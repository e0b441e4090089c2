package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Each command that reads a data set reports once what the data set leaves out and what it decides.
func TestNotesOfDataSetsAreToldOnce(t *testing.T) {
	dir := t.TempDir()
	data := filepath.Join(dir, "data")
	picturesIn(t, data, 12)
	train := filepath.Join(data, "train")
	require.NoError(t, os.WriteFile(filepath.Join(train, "a", "x.heic"), nil, 0o644))
	split := "note: " + train + " has no train and test: every tenth picture of a class is for testing, the others for " +
		"training\n"
	unread := "note: " + train + ": not read, since these are not PNG, JPEG, WebP, TIFF, BMP or GIF: 1 .heic\n"
	dropped := "note: each epoch leaves out 6 of the 22 pictures, which do not fill a batch of 16; they " +
		"differ between epochs\n"
	run := filepath.Join(dir, "run")
	once := func(said string, notes ...string) {
		t.Helper()
		for _, n := range notes {
			assert.Equal(t, 1, strings.Count(said, n), "%q in %s", n, said)
		}
		assert.Equal(t, len(notes), strings.Count(said, "note: "), said)
	}
	status, _, errs := do(small("--epochs", "1", "--dataset", "folder", "--data-dir", train, "--eval-every", "1",
		"--eval-epochs", "1", "--out", run)...)
	require.Zero(t, status, errs)
	once(errs, split, unread, dropped)
	status, out, errs := do("datasets", "--dataset", "folder", "--data-dir", train)
	require.Zero(t, status, errs)
	once(out, split, unread)
	status, _, errs = do("eval", "--run", run, "--epochs", "1", "--neighbours", "1", "--threads", "1")
	require.Zero(t, status, errs)
	once(errs, split, unread)
	status, _, errs = do("finetune", "--run", run, "--epochs", "1", "--labels", "0.5", "--batch-size", "4", "--threads",
		"1")
	require.Zero(t, status, errs)
	once(errs, split, unread)
	status, _, errs = do("embed", "--run", run, "--out", filepath.Join(dir, "a.csv"), "--threads", "1")
	require.Zero(t, status, errs)
	once(errs, split, unread)
	status, _, errs = do("embed", "--run", run, "--out", filepath.Join(dir, "b.csv"), "--threads", "1", train)
	require.Zero(t, status, errs)
	once(errs, unread)

	at := port(t)
	args := small("--dist-timeout", "20s", "--epochs", "1", "--dataset", "folder", "--data-dir", train, "--out",
		filepath.Join(dir, "job"))
	first, second := startRank(t, 0, 2, at, args...), startRank(t, 1, 2, at, args...)
	for _, k := range []*rank{first, second} {
		status, last := k.ends(t, time.Minute)
		require.Zero(t, status, last)
	}
	once(first.errs.String(), split, unread, dropped)
	once(second.errs.String())
}

// Lines of a run name settings by their flags.
func TestLinesOfARunNameFlags(t *testing.T) {
	dir := t.TempDir()
	first := filepath.Join(dir, "first")
	status, _, errs := do(small("--epochs", "1", "--warmup", "999", "--out", first)...)
	require.Zero(t, status, errs)
	assert.Contains(t, errs, "--warmup 999 is longer than the run of ")
	assert.Contains(t, errs, "; give a smaller --warmup\n")
	file := filepath.Join(dir, "net.safetensors")
	status, _, errs = do("export", "--run", first, "--out", file)
	require.Zero(t, status, errs)
	status, _, errs = do(small("--epochs", "1", "--init", file, "--out", filepath.Join(dir, "second"))...)
	require.Zero(t, status, errs)
	assert.Contains(t, errs, "--init "+file+": ")
	assert.NotContains(t, errs, "Initial")
}
