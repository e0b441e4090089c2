package main

import (
	"context"
	"encoding/csv"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// tinyGrid returns the flags of a grid that takes seconds.
func tinyGrid(out, methods string, more ...string) []string {
	return append([]string{"compare", "--preset", "cpu", "--methods", methods, "--seeds", "2", "--count", "128",
		"--batch-size", "32", "--epochs", "1", "--width", "0.125", "--hidden", "16",
		"--dim", "8", "--size", "16", "--msr-width", "0.25", "--meta-every", "2", "--probe-epochs", "5", "--threads", "1",
		"--out", out}, more...)
}

func TestCompareWritesTablesAndGoesOnWhereItStopped(t *testing.T) {
	out := filepath.Join(t.TempDir(), "grid")
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	w := &interrupter{word: "seed 2 of 2: simclr\n", stop: cancel}
	require.Equal(t, exitInterrupted, execute(ctx, program{w, w}, tinyGrid(out, "simclr,byol")), w.String())
	status, printed, errs := do(tinyGrid(out, "simclr,byol")...)
	require.Zero(t, status, errs)
	assert.Equal(t, 4, strings.Count(errs, "trained in"), "those of the first seed are not trained again: %s", errs)
	assert.Equal(t, 4, strings.Count(errs, "done before"))

	markdown, err := os.ReadFile(filepath.Join(out, "table.md"))
	require.NoError(t, err)
	assert.Contains(t, printed, string(markdown[:200]))
	assert.Contains(t, string(markdown), "| simclr | ")
	assert.NotContains(t, string(markdown), "paper", "which has no figures of these pictures")
	page, err := os.ReadFile(filepath.Join(out, "index.html"))
	require.NoError(t, err)
	assert.Contains(t, string(page), "<td>byol</td>")

	f, err := os.Open(filepath.Join(out, "table.csv"))
	require.NoError(t, err)
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	assert.NoError(t, err)
	methods := map[string]int{}
	for _, r := range rows {
		methods[r[1]]++
	}
	assert.Equal(t, map[string]int{"method": 3, "simclr": 3, "byol": 3}, methods,
		"one table for each variant of the pictures")

	status, again, errs := do(tinyGrid(out, "simclr,byol")...)
	require.Zero(t, status, errs)
	assert.Equal(t, 8, strings.Count(errs, "done before"))
	assert.Equal(t, printed, again, "what is there is not done again")

	status, _, errs = do(tinyGrid(out, "simclr,byol", "--epochs", "2")...)
	assert.Equal(t, exitFailure, status)
	assert.Contains(t, errs, "holds a run with epochs 1, not 2")
}

func TestCompareWithMSROnly(t *testing.T) {
	status, out, errs := do(tinyGrid(t.TempDir(), "dcl", "--seeds", "1", "--msr", "on")...)
	require.Zero(t, status, errs)
	assert.Contains(t, out, "| dcl |  | ", "no figures without MSR")
}

func TestCompareTellsWrongRequestsBeforeItTrains(t *testing.T) {
	for want, c := range map[string]struct {
		methods string
		more    []string
	}{
		`--msr sometimes: want off, on or both`:             {"byol", []string{"--msr", "sometimes"}},
		`unknown method "simclear"; did you mean "simclr"?`: {"byol,simclear", nil},
		`--seeds 0`:                                              {"byol", []string{"--seeds", "0"}},
		`unknown option of byol "tau_plus"`:                      {"byol", []string{"--method-option", "tau_plus=0.2"}},
		`"tau_plus:0.2": want NAME=VALUE`:                        {"dcl", []string{"--method-option", "tau_plus:0.2"}},
		`--methods names none`:                                   {"", nil},
		`--methods names byol twice`:                             {"byol,simclr,byol", nil},
		`--method: compare takes several, --methods simclr,byol`: {"simclr", []string{"--method", "byol"}},
	} {
		out := filepath.Join(t.TempDir(), "grid")
		status, _, errs := do(tinyGrid(out, c.methods, c.more...)...)
		assert.Equal(t, exitUsage, status, errs)
		assert.Contains(t, errs, want)
		assert.NoDirExists(t, out)
	}
}
