package main

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/icl-msr/icl-msr/internal/atomicfile"
	"github.com/icl-msr/icl-msr/internal/runfolder"
)

// inTheWay puts a file where a run's folder would be.
func inTheWay(t *testing.T, folder string) {
	require.NoError(t, os.MkdirAll(filepath.Dir(folder), 0o755))
	require.NoError(t, os.WriteFile(folder, nil, 0o600))
}

func TestAGridRunsOnWhereARunFails(t *testing.T) {
	out := filepath.Join(t.TempDir(), "grid")
	lost := filepath.Join(out, "simclr+msr-seed1")
	inTheWay(t, lost)
	status, printed, errs := do(tinyGrid(out, "simclr,dcl")...)
	assert.Equal(t, exitFailure, status)
	assert.Contains(t, errs, "failed: simclr+MSR, seed 1: ")
	assert.True(t, strings.HasSuffix(errs,
		"run: 1 of 8 runs failed, the tables say why; the same command tries them once more\n"), errs)
	assert.Equal(t, 7, strings.Count(errs, "trained in"))
	assert.Contains(t, printed, " (1 of 2 seeds) |")
	assert.Contains(t, printed, "| simclr+MSR, seed 1: open ")
	f, err := os.Open(filepath.Join(out, "table.csv"))
	require.NoError(t, err)
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	require.NoError(t, err)
	assert.Equal(t, "failed", rows[0][len(rows[0])-1])
	page, err := os.ReadFile(filepath.Join(out, "index.html"))
	require.NoError(t, err)
	assert.Contains(t, string(page), "simclr&#43;MSR, seed 1: open ")

	require.NoError(t, os.Remove(lost))
	status, printed, errs = do(tinyGrid(out, "simclr,dcl")...)
	require.Zero(t, status, errs)
	assert.Equal(t, 7, strings.Count(errs, "done before"))
	assert.Equal(t, 1, strings.Count(errs, "trained in"))
	assert.NotContains(t, printed, "failed")
	assert.NotContains(t, printed, "of 2 seeds")
}

func TestARunThatDivergesIsACellThatFailed(t *testing.T) {
	out := filepath.Join(t.TempDir(), "sweep")
	args := tiny("sweep", out, "--axis", "lr=1e30,0.001", "--optimizer", "sgd", "--baseline=false", "--warmup", "0")
	for range 2 { // a second time it fails once more
		status, printed, errs := do(args...)
		assert.Equal(t, exitFailure, status, errs)
		assert.Contains(t, errs, "run: 1 of 2 runs failed")
		assert.Equal(t, 3, strings.Count(printed, "| lr 1e30 | failed |  | failed |  | lr 1e30, seed 0: "), printed)
		assert.Regexp(t, `lr 1e30, seed 0: .*(not finite|NaN)`, printed)
		assert.Equal(t, 3, strings.Count(printed, "| lr 0.001 | "))
		assert.NotContains(t, printed, "NaN ±")
	}
}

func TestAllKindsOfGridsRunOn(t *testing.T) {
	for command, lost := range map[string]string{"toy": "simclr-foreground-seed0", "semi": "simclr+msr-seed0",
		"table1": "simclr+msr-seed0"} {
		out := filepath.Join(t.TempDir(), command)
		inTheWay(t, filepath.Join(out, lost))
		more := []string{"--methods", "simclr", "--dataset", "shapes"}
		if command == "semi" {
			more = append(more, "--labels", "0.5", "--tune-epochs", "1")
		}
		status, printed, errs := do(tiny(command, out, more...)...)
		assert.Equal(t, exitFailure, status, errs)
		assert.Contains(t, errs, "1 of ")
		assert.Contains(t, errs, "runs failed, the tables say why")
		assert.Contains(t, printed, "| failed |")
		assert.Contains(t, printed, "not a directory |")
		assert.NotContains(t, printed, "NaN")
	}
	out := filepath.Join(t.TempDir(), "demo")
	inTheWay(t, filepath.Join(out, "simclr-seed0"))
	status, printed, errs := do("demo", "--seeds", "1", "--epochs", "1", "--count", "200", "--threads", "1", "--ablations",
		"", "--out", out)
	assert.Equal(t, exitFailure, status, errs)
	assert.Contains(t, errs, "run: 1 of 2 runs failed")
	assert.NotContains(t, printed, "NaN")
	data, err := os.ReadFile(filepath.Join(out, "demo.json"))
	require.NoError(t, err)
	var arms []struct {
		Name   string
		Failed []struct{ Reason string }
	}
	require.NoError(t, json.Unmarshal(data, &arms))
	require.Len(t, arms[0].Failed, 1)
	assert.Contains(t, arms[0].Failed[0].Reason, "not a directory")
}

func TestWhatEndsAGridAtOnce(t *testing.T) {
	// The command line is wrong.
	out := filepath.Join(t.TempDir(), "grid")
	status, _, errs := do(tinyGrid(out, "simclr,dcl", "--batch-size", "1")...)
	assert.Equal(t, exitUsage, status, errs)
	assert.Contains(t, errs, "--batch-size 1")
	assert.NoDirExists(t, out)
	// The data does not exist.
	status, _, errs = do(tinyGrid(out, "simclr", "--dataset", "folder", "--data-dir", "nowhere")...)
	assert.Equal(t, exitFailure, status)
	assert.NotContains(t, errs, "seed 1 of")
	assert.NoDirExists(t, out)
	// Ctrl-C arrives after a run has failed.
	inTheWay(t, filepath.Join(out, "simclr-seed0"))
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	w := &interrupter{word: "seed 1 of 2: simclr+MSR\n", stop: cancel}
	assert.Equal(t, exitInterrupted, execute(ctx, program{w, w}, tinyGrid(out, "simclr,dcl")), w.String())
	assert.NotContains(t, w.String(), "dcl")
	// The folder holds another grid.
	l, err := atomicfile.TakeLock(filepath.Join(out, "lock"))
	require.NoError(t, err)
	status, _, errs = do(tinyGrid(out, "simclr")...)
	assert.Equal(t, exitFailure, status)
	assert.Contains(t, errs, "is in use by process "+strconv.Itoa(os.Getpid()))
	require.NoError(t, l.Release())
	// The page does not belong to a grid.
	site := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(site, "index.html"), []byte("mine"), 0o600))
	status, _, errs = do(tinyGrid(site, "simclr")...)
	assert.Equal(t, exitUsage, status)
	assert.Contains(t, errs, "index.html is there, and no runs that it could be of")
	assert.NoDirExists(t, runfolder.Config(filepath.Join(site, "simclr-seed0")))
}

// tiny returns the flags of a run of less than a second.
func tiny(command, out string, more ...string) []string {
	return append([]string{command, "--preset", "cpu", "--seeds", "1", "--count", "96", "--batch-size", "32", "--epochs",
		"1", "--width", "0.125", "--hidden", "16", "--dim", "8", "--size", "16",
		"--msr-width", "0.25", "--meta-every", "2", "--probe-epochs", "2", "--threads", "1", "--out", out}, more...)
}
