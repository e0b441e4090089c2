package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/icl-msr/icl-msr/internal/runfolder"
	"github.com/icl-msr/icl-msr/train"
)

// The share of --eval-every equals that of eval. It has an entry for the embedding if the head is the run's own.
func TestForegroundShareOfARunAndOfItsCheckpoint(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	status, _, errs := do(small("--epochs", "1", "--eval-every", "1", "--eval-epochs", "2", "--out", dir)...)
	require.Zero(t, status, errs)
	assert.Contains(t, errs, "foreground share of ")
	data, err := os.ReadFile(runfolder.Metrics(dir))
	require.NoError(t, err)
	var line, printed struct {
		Share *train.ForegroundShare `json:"foreground_share"`
	}
	require.NoError(t, json.Unmarshal(data, &line))
	status, out, errs := do("eval", "--run", dir, "--epochs", "2", "--json", "--threads", "1")
	require.Zero(t, status, errs)
	require.NoError(t, json.Unmarshal([]byte(out), &printed))
	require.NotNil(t, line.Share)
	assert.Equal(t, line.Share, printed.Share)
	require.NotNil(t, line.Share.Embedding)
	require.NotNil(t, line.Share.Features)
	assert.NotEqual(t, line.Share.Embedding.Share, line.Share.Features.Share)
	e := line.Share.Embedding
	up, down := e.Foreground-e.Unrelated, e.Background-e.Unrelated
	assert.InDelta(t, up/(up+down), e.Share, 1e-9)
	assert.Greater(t, line.Share.Pictures, 700, "twins on another kind of background, of 1000 pictures")

	status, out, errs = do("eval", "--run", dir, "--epochs", "2", "--threads", "1")
	require.Zero(t, status, errs)
	assert.Contains(t, out, "\n"+line.Share.String()+"\n")
}

// A data set without twins has no share, and no message about it.
func TestNoForegroundShareWithoutTwins(t *testing.T) {
	data, out := t.TempDir(), filepath.Join(t.TempDir(), "run")
	picturesIn(t, data, 20)
	status, _, errs := do(small("--dataset", "folder", "--data-dir", filepath.Join(data, "train"), "--epochs", "1",
		"--eval-every", "1", "--eval-epochs", "2", "--out", out)...)
	require.Zero(t, status, errs)
	text, err := os.ReadFile(runfolder.Metrics(out))
	require.NoError(t, err)
	assert.Contains(t, string(text), "evaluation")
	assert.False(t, strings.Contains(string(text)+errs, "foreground"), errs)
}
