package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestSweepOverAGridAndAList(t *testing.T) {
	out := filepath.Join(t.TempDir(), "sweep")
	status, printed, errs := do(tiny("sweep", out, "--axis", "lambda=0.1,1", "--axis", "weights=2,3", "--ablations")...)
	require.Zero(t, status, errs)
	for _, row := range []string{"| simclr | ", "| lambda 0.1, weights 2 | ", "| lambda 1, weights 3 | ",
		"| ablation uniformity-only | "} {
		assert.Equal(t, 3, strings.Count(printed, row), "%s in each variant's table", row)
	}
	config, err := os.ReadFile(filepath.Join(out, "lambda-1-weights-3-seed0", "config.yaml"))
	require.NoError(t, err)
	assert.Contains(t, string(config), "lambda: 1\n")
	assert.Contains(t, string(config), "weights: 3\n")
	assert.Contains(t, string(config), "msr: true\n")
	page, err := os.ReadFile(filepath.Join(out, "index.html"))
	require.NoError(t, err)
	assert.Contains(t, string(page), "<svg")

	status, printed, errs = do(tiny("sweep", filepath.Join(t.TempDir(), "list"), "--axis", "lambda=0.1,1", "--axis",
		"gamma=1,2", "--list", "--baseline=false")...)
	require.Zero(t, status, errs)
	assert.Contains(t, printed, "| lambda 0.1, gamma 1 | ")
	assert.NotContains(t, printed, "| lambda 0.1, gamma 2 | ")
	assert.NotContains(t, printed, "| simclr | ")
}

func TestSweepTellsWrongAxes(t *testing.T) {
	for want, axes := range map[string][]string{
		"no --axis":                       nil,
		"--axis lambda: want FLAG=VALUE":  {"lambda"},
		"--axis lambda=1,: want":          {"lambda=1,"},
		"--axis lambda=1,1: 1 twice":      {"lambda=1,1"},
		"unknown flag --lamda":            {"lamda=1,2"},
		"wants as many values of --gamma": {"lambda=1,2", "gamma=1"},
		"--lambda a: want a number":       {"lambda=a,b"},
	} {
		var args []string
		for _, a := range axes {
			args = append(args, "--axis", a)
		}
		if len(axes) > 1 {
			args = append(args, "--list")
		}
		status, _, errs := do(tiny("sweep", filepath.Join(t.TempDir(), "x"), args...)...)
		assert.Equal(t, exitUsage, status, errs)
		assert.Contains(t, errs, want)
	}
}
