package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/icl-msr/icl-msr/train"
)

// A study that runs in slices ends as one that runs in one call does.
func TestTheStudyOfBackgroundsRunsInSlices(t *testing.T) {
	dir := t.TempDir()
	args := func(out string, more ...string) []string {
		all := append(small("--arms", "method,swap", "--seeds", "2", "--probe-epochs", "2", "--epochs", "1", "--out",
			filepath.Join(dir, out)), more...)
		all[0] = "background"
		return all
	}
	status, printed, errs := do(args("whole")...)
	require.Zero(t, status, errs)
	assert.Contains(t, printed, "| simclr | ")
	assert.Contains(t, printed, "| background alone | ")
	page, err := os.ReadFile(filepath.Join(dir, "whole", "index.html"))
	require.NoError(t, err)
	assert.Contains(t, string(page), "the gap (bars: 95 % intervals)")
	assert.Contains(t, string(page), "no positive control")

	for n := range 3 {
		status, _, errs = do(args("cut", "--slice", "1ns")...)
		require.Zero(t, status, errs)
		runs, err := filepath.Glob(filepath.Join(dir, "cut", "*", "background.json"))
		require.NoError(t, err)
		assert.Len(t, runs, n+1, "each call makes one run at least")
	}
	status, again, errs := do(args("cut")...)
	require.Zero(t, status, errs)
	assert.Equal(t, 4, strings.Count(errs, "done before: ")+1)
	figures := func(text string) string { return text[:strings.LastIndex(strings.TrimSpace(text), "\n")] }
	assert.Equal(t, figures(printed), figures(again))

	a, err := train.ReadConfig(filepath.Join(dir, "cut", "simclr-seed0"))
	require.NoError(t, err)
	b, err := train.ReadConfig(filepath.Join(dir, "cut", "swap-seed1"))
	require.NoError(t, err)
	assert.Equal(t, [2]uint64{1, 2}, [2]uint64{a.Data.Seed, b.Data.Seed}, "the data's seed goes with the run's")
	assert.Equal(t, []string{"swap"}, b.Intervene.Names)
}

func TestWrongStudiesOfBackgroundsAreOneClearLine(t *testing.T) {
	for want, more := range map[string][]string{
		"--intervene: each intervention is an arm":                 {"--intervene", "swap"},
		"--msr: arms without MSR and with it are compared":         {"--msr"},
		`unknown --arms "oracel"; did you mean "oracle"`:           {"--arms", "oracel"},
		"--slice -1s: want 0 or more":                              {"--slice", "-1s"},
		"--intervene-option p=2: want a number from 0 to 1":        {"--intervene-option", "p=2"},
		"does not know its backgrounds, so that no twins can be m": {"--dataset", "folder", "--data-dir", pictureFolder(t)},
	} {
		args := append(small("--out", filepath.Join(t.TempDir(), "out")), more...)
		args[0] = "background"
		status, _, errs := do(args...)
		assert.Equal(t, exitUsage, status, errs)
		assert.Contains(t, errs, want)
	}
}

// pictureFolder makes a folder of pictures of two classes, whose backgrounds are unknown.
func pictureFolder(t *testing.T) string {
	dir := t.TempDir()
	picturesIn(t, dir, 20)
	return filepath.Join(dir, "train")
}
