package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/icl-msr/icl-msr/internal/outfile"
	"github.com/icl-msr/icl-msr/internal/runfolder"
	"github.com/icl-msr/icl-msr/train"
)

// intervened returns the flags of a run of seconds with all interventions.
func intervened(more ...string) []string {
	return small(append([]string{"--msr", "--intervene", "swap,strata,negatives",
		"--intervene-option", "k=3,p=0.8,within=0.6"}, more...)...)
}

// Each intervention changes a run, with any method. At probability 0, none does.
func TestInterventionsChangeARun(t *testing.T) {
	dir := t.TempDir()
	got := map[string]map[string][]byte{}
	for name, more := range map[string][]string{
		"none":      nil,
		"never":     {"--intervene", "swap", "--intervene-option", "p=0"},
		"estimated": {"--intervene", "swap"},
		"known":     {"--intervene", "swap", "--masks", "known"},
		"one view":  {"--intervene", "swap", "--intervene-option", "one-view=1"},
		"strata":    {"--intervene", "strata", "--intervene-option", "k=3"},
		"kinds":     {"--intervene", "strata", "--strata", "known"},
		"byol":      {"--intervene", "swap", "--method", "byol"},
		"weights":   {"--intervene", "negatives", "--intervene-option", "within=0.5"},
		"of kinds":  {"--intervene", "negatives", "--strata", "known"},
	} {
		out := filepath.Join(dir, name)
		status, _, errs := do(small(append(more, "--epochs", "1", "--out", out)...)...)
		require.Zero(t, status, errs)
		got[name] = tensors(t, out)
	}
	const w = "backbone.layer1.0.conv1.weight"
	assert.Equal(t, got["none"], got["never"])
	seen := map[string]string{}
	for name, x := range got {
		if name == "never" {
			continue
		}
		key := string(x[w])
		assert.Empty(t, seen[key], "%s is %s", name, seen[key])
		seen[key] = name
	}
	c, err := train.ReadConfig(filepath.Join(dir, "one view"))
	require.NoError(t, err)
	assert.Equal(t, []string{"swap"}, c.Intervene.Names)
	assert.Equal(t, map[string]float64{"one-view": 1}, c.Intervene.Numbers)
}

// A run that is interrupted repeatedly ends as an uninterrupted one does.
func TestARunWithInterventionsResumes(t *testing.T) {
	dir := t.TempDir()
	whole, cut := filepath.Join(dir, "whole"), filepath.Join(dir, "cut")
	status, _, errs := do(intervened("--out", whole)...)
	require.Zero(t, status, errs)
	assert.Contains(t, errs, "\nswap: backgrounds of other pictures, masks cut, p 0.8\nstrata: 3, merged to ")
	args := intervened("--save-after", "1ns", "--out", cut)
	for tries, status := 0, 1; status != 0; tries++ {
		require.Less(t, tries, 100)
		ctx, cancel := context.WithCancel(context.Background())
		stop := time.AfterFunc(time.Duration(200+100*tries)*time.Millisecond, cancel)
		var o, e bytes.Buffer
		status = execute(ctx, program{&o, &e}, args)
		stop.Stop()
		cancel()
		if status != 0 {
			require.Equal(t, exitInterrupted, status, e.String())
		}
		if outfile.Exists(runfolder.Config(cut)) {
			args = intervened("--save-after", "1ns", "--out", cut, "--resume")
		}
	}
	require.Equal(t, tensors(t, whole), tensors(t, cut))
	status, _, errs = do(small("--msr", "--out", cut, "--resume")...)
	assert.Equal(t, exitFailure, status)
	assert.Contains(t, errs, "holds a run with intervene swap,strata,negatives, not none")
}

// Two processes give what one process gives on the host. So does a device that keeps the pictures.
func TestInterventionsInAJobAndOnADevice(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	args := func(name string, more ...string) []string {
		return intervened(append(more, "--optimizer", "sgd", "--lr", "0.005", "--out", at(name))...)
	}
	status, _, errs := do(args("one")...)
	require.Zero(t, status, errs)
	p, said := start(t, args("two", "--nproc-per-node", "2")...)
	require.NoError(t, p.Wait(), said.String())
	near(t, at("one"), at("two"), 1e-4)
	assert.Equal(t, 1, strings.Count(said.String(), "swap: backgrounds"), "rank 0 speaks")

	for name, more := range map[string][]string{
		"sent": {"--augment-on", "device"},
		"kept": {"--augment-on", "device", "--keep-on-device", "yes"},
	} {
		status, _, errs := do(args(name, more...)...)
		require.Zero(t, status, errs)
		assert.Contains(t, errs, "views on the device")
		a, err := train.ReadMetrics(at("one"))
		require.NoError(t, err)
		b, err := train.ReadMetrics(at(name))
		require.NoError(t, err)
		assert.InDelta(t, a[0].Value("l_ct"), b[0].Value("l_ct"), 2e-3, name)
	}
	assert.Equal(t, tensors(t, at("sent")), tensors(t, at("kept")))
}

// The strata of a file are those that it names.
func TestStrataOfAFile(t *testing.T) {
	dir := t.TempDir()
	var lines strings.Builder
	for i := range 64 {
		fmt.Fprintf(&lines, "%d\t%d\n", i, i%2)
	}
	path := filepath.Join(dir, "strata.txt")
	require.NoError(t, os.WriteFile(path, []byte(lines.String()), 0o600))
	status, _, errs := do(small("--intervene", "strata", "--strata", path, "--out", filepath.Join(dir, "a"))...)
	require.Zero(t, status, errs)
	assert.Contains(t, errs, "strata: 2, merged to 2 of 32 to 32 pictures")
}

func TestWrongInterventionsAreOneClearLine(t *testing.T) {
	none := filepath.Join(t.TempDir(), "none")
	for _, c := range []struct {
		status int
		want   string
		args   []string
	}{
		{2, `unknown --intervene "swapp"; did you mean "swap"? known: swap, strata, negatives`,
			[]string{"--intervene", "swapp"}},
		{2, "--intervene names swap twice", []string{"--intervene", "swap,swap"}},
		{2, "--intervene-option p=0.5: no --intervene is given that has it", []string{"--intervene-option", "p=0.5"}},
		{2, `unknown --intervene-option "k"; known: p, one-view`,
			[]string{"--intervene", "swap", "--intervene-option", "k=3"}},
		{2, "--intervene-option p=1.5: want a number from 0 to 1",
			[]string{"--intervene", "swap", "--intervene-option", "p=1.5"}},
		{2, "--intervene-option k=2.5: want a whole number from 1 to",
			[]string{"--intervene", "strata", "--intervene-option", "k=2.5"}},
		{2, `unknown --masks "cot"; did you mean "cut"? known: known, border, barrier, regions, cut`,
			[]string{"--intervene", "swap", "--masks", "cot"}},
		{2, "no intervention uses masks; give --intervene swap", []string{"--mask-dir", none}},
		{2, "leave one out", []string{"--intervene", "swap", "--masks", "known", "--mask-dir", none}},
		{1, "--intervene swap: interventions: no mask of picture", []string{"--intervene", "swap", "--mask-dir", none}},
		{1, "--intervene strata: --intervene-option k 65: want 1 to 64, the number of pictures",
			[]string{"--intervene", "strata", "--intervene-option", "k=65"}},
		{2, "the loss of --method byol does not weigh negatives", []string{"--intervene", "negatives", "--method", "byol"}},
		{2, "the loss of --method moco does not weigh negatives", []string{"--intervene", "negatives", "--method", "moco"}},
		{1, "--intervene strata: open " + none, []string{"--intervene", "strata", "--strata", none}},
	} {
		status, _, errs := do(small(append(c.args, "--out", filepath.Join(t.TempDir(), "out"))...)...)
		assert.Equal(t, c.status, status, errs)
		last := errs[strings.LastIndex(strings.TrimSpace(errs), "\n")+1:]
		assert.Contains(t, last, c.want)
	}
}
