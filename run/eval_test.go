package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/icl-msr/icl-msr/datasets"
	"github.com/icl-msr/icl-msr/internal/runfolder"
	"github.com/icl-msr/icl-msr/torchscript"
	"github.com/icl-msr/icl-msr/train"
)

func TestFeaturesAreKept(t *testing.T) {
	run, dir := filepath.Join(t.TempDir(), "run"), filepath.Join(t.TempDir(), "features")
	status, _, errs := do(small("--out", run)...)
	require.Zero(t, status, errs)
	status, _, errs = do("eval", "--run", run, "--epochs", "2", "--threads", "1", "--save-features", dir, "--metric",
		"cosine", "--neighbours", "20", "--recipe", "imagenet")
	require.Zero(t, status, errs)
	for _, name := range []string{"train", "test-full", "test-foreground", "test-new-background"} {
		assert.FileExists(t, filepath.Join(dir, name+".npy"))
		assert.FileExists(t, filepath.Join(dir, name+".labels.npy"))
	}
	data, err := os.ReadFile(filepath.Join(dir, "train.npy"))
	require.NoError(t, err)
	assert.Contains(t, string(data[:128]), "'descr': '<f4', 'fortran_order': False, 'shape': (64, ")
	for _, c := range [][]string{{"train.npy is there already; --force writes over it", dir},
		{"is part of the run in", filepath.Dir(runfolder.Last(run))},
		{"train.npy is a file; name a folder", filepath.Join(dir, "train.npy")}} {
		status, _, errs = do("eval", "--run", run, "--epochs", "2", "--threads", "1", "--save-features", c[1])
		assert.Equal(t, exitUsage, status)
		assert.Contains(t, errs, c[0])
	}
	status, _, errs = do("eval", "--run", run, "--epochs", "2", "--threads", "1", "--save-features", dir, "--force")
	require.Zero(t, status, errs)
	status, _, errs = do("eval", "--run", run, "--epochs", "2", "--threads", "1", "--save-features", dir,
		"--features-format", "safetensors")
	require.Zero(t, status, errs)
	tensors, _, err := torchscript.ReadSafetensorsFile(filepath.Join(dir, "train.safetensors"))
	require.NoError(t, err)
	x, ok := torchscript.Find(tensors, "features")
	require.True(t, ok)
	assert.Equal(t, string(data[len(data)-len(x.Data):]), string(x.Data), "the numbers of the .npy file")
	y, ok := torchscript.Find(tensors, "labels")
	require.True(t, ok)
	assert.Equal(t, []int64{64}, y.Shape)
	for want, more := range map[string][]string{`unknown --features-format "csv"`: {"--features-format", "csv"},
		`unknown recipe "imgnet"`: {"--recipe", "imgnet"}, `unknown metric "cos"`: {"--metric", "cos"},
		`unknown schedule`: {"--schedule", "x"}} {
		status, _, errs := do(append([]string{"eval", "--run", run}, more...)...)
		assert.Equal(t, exitUsage, status)
		assert.Contains(t, errs, want)
	}
}

// If another data set is evaluated, the settings of the training's data set are dropped.
func TestEvalOnAnotherDataSet(t *testing.T) {
	run := filepath.Join(t.TempDir(), "run")
	status, _, errs := do(small("--out", run)...)
	require.Zero(t, status, errs)
	cifar := filepath.Join("..", "datasets", "testdata", "published")
	status, out, errs := do("eval", "--run", run, "--epochs", "2", "--threads", "1", "--dataset", "cifar10", "--data-dir",
		cifar)
	require.Zero(t, status, errs)
	assert.Contains(t, out, "full")
	status, _, errs = do("eval", "--run", run, "--dataset", "unlabelled", "--data-dir", cifar)
	assert.Equal(t, exitFailure, status)
	assert.Contains(t, errs, "no labels")
	_, err := datasets.Share(nil, 0, 0)
	assert.ErrorContains(t, err, "a share 0 of the labels")
}

// Evaluations between epochs do not change the training.
func TestEvalEveryChangesNothing(t *testing.T) {
	dir := t.TempDir()
	for name, more := range map[string][]string{"with": {"--eval-every", "2", "--eval-epochs", "3"}, "without": nil} {
		status, _, errs := do(small(append(more, "--out", filepath.Join(dir, name), "--msr")...)...)
		require.Zero(t, status, errs)
		if name == "with" {
			assert.Equal(t, 1, strings.Count(errs, "evaluation after epoch 2:  full: linear "), errs)
		}
	}
	assert.Equal(t, tensors(t, filepath.Join(dir, "without")), tensors(t, filepath.Join(dir, "with")))
	data, err := os.ReadFile(filepath.Join(dir, "with", "metrics.jsonl"))
	require.NoError(t, err)
	lines := strings.Split(strings.TrimSpace(string(data)), "\n")
	require.Len(t, lines, 2)
	assert.NotContains(t, lines[0], "evaluation")
	assert.Contains(t, lines[1], `"evaluation":[{"variant":"full","linear":{"top1":`)
}

func TestEvalPrintsATableAndJSON(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	status, _, errs := do(small("--epochs", "1", "--out", dir)...)
	require.Zero(t, status, errs)
	status, out, errs := do("eval", "--run", dir, "--epochs", "5", "--threads", "1")
	require.Zero(t, status, errs)
	assert.Contains(t, out, "new-background")
	status, out, errs = do("eval", "--checkpoint", runfolder.Last(dir), "--epochs", "5", "--json", "--threads", "1")
	require.Zero(t, status, errs)
	var got struct{ Scores []train.Score }
	require.NoError(t, json.Unmarshal([]byte(out), &got))
	require.Len(t, got.Scores, 3)
	assert.Greater(t, got.Scores[0].Value("linear.top5"), got.Scores[0].Value("linear.top1"))
}
