package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/icl-msr/icl-msr/train"
)

func TestToyHasFourSettings(t *testing.T) {
	out := filepath.Join(t.TempDir(), "toy")
	status, printed, errs := do(tiny("toy", out, "--methods", "simclr")...)
	require.Zero(t, status, errs)
	for _, setting := range []string{"full, full", "full, foreground", "foreground, full", "foreground, foreground"} {
		assert.Equal(t, 2, strings.Count(printed, "| "+setting+" | "), "linear probe and neighbours")
	}
	assert.DirExists(t, filepath.Join(out, "simclr+msr-foreground-seed0"))

	again := func(more ...string) (scores []train.Score) {
		status, _, errs := do(tiny("toy", out, append(more, "--methods", "simclr")...)...)
		require.Zero(t, status, errs)
		name := "scores.json"
		if len(more) > 0 {
			name = "scores-probe-" + more[1] + ".json"
		}
		data, err := os.ReadFile(filepath.Join(out, "simclr-foreground-seed0", name))
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(data, &scores))
		return scores
	}
	asTrained := again()
	assert.Equal(t, asTrained, again("--probe-variant", "foreground"), "as the network was")
	assert.NotEqual(t, asTrained, again("--probe-variant", "full"), "the probe of the same network, on full pictures")
	page, err := os.ReadFile(filepath.Join(out, "index.html"))
	require.NoError(t, err)
	assert.Contains(t, string(page), "Each probe is trained on full pictures.")
	status, _, errs = do(tiny("toy", filepath.Join(t.TempDir(), "x"), "--methods", "simclr", "--probe-variant", "ful")...)
	assert.Equal(t, exitUsage, status)
	assert.Contains(t, errs, `unknown --probe-variant "ful"; did you mean "full"?`)
}

func TestThePresetOfTheToyExperiment(t *testing.T) {
	c, err := train.StartFrom("simclr", "coco")
	require.NoError(t, err)
	assert.Equal(t, []any{"coco", "imagenet", "imagenet", 224, "resnet18"},
		[]any{c.Data.Name, c.Augment, c.Stem, c.Size, c.Arch})
}
