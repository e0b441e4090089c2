package main

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/icl-msr/icl-msr/internal/runfolder"
	"github.com/icl-msr/icl-msr/torchscript"
	"github.com/icl-msr/icl-msr/train"
)

func scoresOf(t *testing.T, args ...string) (found []train.Score) {
	status, out, errs := do(append([]string{"eval", "--json", "--epochs", "2", "--neighbours", "1", "--threads", "1"},
		args...)...)
	require.Zero(t, status, errs)
	var got struct{ Scores []train.Score }
	require.NoError(t, json.Unmarshal([]byte(out), &got))
	return got.Scores
}

// An evaluation leaves out a picture that cannot be read. Every result says how many pictures it is of.
func TestAnEvaluationSaysOfHowManyPicturesItIs(t *testing.T) {
	dir, run := t.TempDir(), filepath.Join(t.TempDir(), "run")
	classes(t, dir, 6, 4)
	status, _, errs := do(onFolder(dir, run)...)
	require.Zero(t, status, errs)
	whole := scoresOf(t, "--run", run)[0]
	assert.Equal(t, train.PictureCount{Read: 8, Of: 8}, whole.Test)
	assert.Equal(t, train.PictureCount{Read: 12, Of: 12}, whole.Train)
	spoil := func(path string) { require.NoError(t, os.WriteFile(path, []byte("no picture"), 0o600)) }
	files, err := filepath.Glob(filepath.Join(dir, "test", "*", "*"))
	require.NoError(t, err)
	spoil(files[0])
	got := scoresOf(t, "--run", run)[0]
	assert.Equal(t, train.PictureCount{Read: 7, Of: 8}, got.Test)
	right := 7 * got.Value("knn")
	assert.InDelta(t, math.Round(right), right, 1e-9, "a share of seven")
	status, out, errs := do("eval", "--run", run, "--epochs", "2", "--threads", "1")
	require.Zero(t, status, errs)
	assert.Contains(t, out, "7 of 8")
	status, out, errs = do("finetune", "--run", run, "--epochs", "1", "--labels", "1", "--json", "--threads", "1")
	require.Zero(t, status, errs)
	var tuned struct{ Results []train.FineTuned }
	require.NoError(t, json.Unmarshal([]byte(out), &tuned))
	assert.Equal(t, train.PictureCount{Read: 7, Of: 8}, tuned.Results[0].Test)
	status, _, errs = do(onFolder(dir, filepath.Join(t.TempDir(), "run"), "--epochs", "2", "--eval-every", "1",
		"--eval-epochs", "2")...)
	require.Zero(t, status, errs)
	assert.Equal(t, 1, strings.Count(errs, "warning: skipped picture"), "once for both evaluations: %s", errs)
	assert.Equal(t, 2, strings.Count(errs, " of 7 of 8 pictures"), errs)
	// Two of eight pictures are too many to leave out.
	spoil(files[1])
	status, _, errs = do("eval", "--run", run, "--epochs", "2", "--threads", "1")
	assert.Equal(t, exitFailure, status)
	assert.Contains(t, errs, "2 of 8 pictures cannot be read")
}

// If an evaluation is going to fail, an error says so before the training.
func TestEvalEveryIsCheckedAtTheStart(t *testing.T) {
	dir := t.TempDir()
	classes(t, filepath.Join(dir, "both"), 6, 4)
	picturesIn(t, filepath.Join(dir, "no test"), 6)
	classes(t, filepath.Join(dir, "few"), 2, 2)
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"no labels": {[]string{"--dataset", "unlabelled", "--data-dir", filepath.Join(dir, "both", "train")},
			"has no labels"},
		"no test part": {[]string{"--dataset", "folder", "--data-dir", filepath.Join(dir, "no test")},
			"has train but neither test nor val"},
		"fewer than five neighbours": {[]string{"--dataset", "folder", "--data-dir", filepath.Join(dir, "few"),
			"--batch-size", "4"}, "5 neighbours are more than the 4 pictures"},
	} {
		out := filepath.Join(dir, "run "+name)
		args := append(onFolder("", out, "--eval-every", "1"), c.args...)
		status, _, errs := do(args...)
		assert.NotZero(t, status, name)
		assert.Contains(t, errs, c.want, name)
		assert.Contains(t, errs, "--eval-every", name)
		assert.NotContains(t, errs, "epoch 1/1", name)
	}
	status, _, errs := do("eval", "--neighbours", "50", "--run", trained(t, filepath.Join(dir, "both")))
	assert.Equal(t, exitFailure, status)
	assert.Contains(t, errs, "50 neighbours are more than the 12 pictures")
}

// A failing evaluation loses no epoch. Resuming repeats it.
func TestAFailedEvaluationCostsNoEpoch(t *testing.T) {
	dir := t.TempDir()
	classes(t, dir, 6, 4)
	// The test pictures are damaged, which shows only when they are read.
	damaged, err := filepath.Glob(filepath.Join(dir, "test", "*", "*"))
	require.NoError(t, err)
	whole := map[string][]byte{}
	for _, file := range damaged[:3] {
		whole[file], err = os.ReadFile(file)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(file, []byte("none"), 0o600))
	}
	run := filepath.Join(t.TempDir(), "run")
	args := onFolder(dir, run, "--epochs", "2", "--eval-every", "1", "--eval-epochs", "2")
	status, _, errs := do(args...)
	assert.Equal(t, exitFailure, status)
	assert.Contains(t, errs, "the epoch is saved: resume with --resume")
	k, err := train.Load(runfolder.Last(run))
	require.NoError(t, err)
	assert.Equal(t, 1, k.Position.Epoch)
	for file, data := range whole {
		require.NoError(t, os.WriteFile(file, data, 0o600))
	}
	status, _, errs = do(append(args, "--resume")...)
	require.Zero(t, status, errs)
	other := filepath.Join(t.TempDir(), "run")
	status, _, errs = do(onFolder(dir, other, "--epochs", "2", "--eval-every", "1", "--eval-epochs", "2")...)
	require.Zero(t, status, errs)
	want, got := evaluations(t, other), evaluations(t, run)
	require.Len(t, want, 2)
	assert.Equal(t, want, got)
}

// evaluations returns the evaluations in a run's metrics, a list for each epoch.
func evaluations(t *testing.T, run string) (out [][]train.Score) {
	data, err := os.ReadFile(runfolder.Metrics(run))
	require.NoError(t, err)
	for line := range strings.Lines(string(data)) {
		var l train.EpochLine
		require.NoError(t, json.Unmarshal([]byte(line), &l))
		out = append(out, l.Evaluation)
	}
	return out
}

// A damaged network gets no scores.
func TestFeaturesThatAreNotFiniteAreNoResult(t *testing.T) {
	run := filepath.Join(t.TempDir(), "run")
	status, _, errs := do(small("--epochs", "1", "--out", run)...)
	require.Zero(t, status, errs)
	path := runfolder.Last(run)
	ts, metadata, err := torchscript.ReadSafetensorsFile(path)
	require.NoError(t, err)
	at, ok := torchscript.Find(ts, "backbone.layer4.0.conv1.weight")
	if !ok {
		at, ok = torchscript.Find(ts, "backbone.layer3.0.conv1.weight")
	}
	require.True(t, ok)
	copy(at.Data, []byte{0, 0, 0xc0, 0x7f}) // NaN
	require.NoError(t, torchscript.WriteSafetensorsFile(path, ts, metadata))
	for _, args := range [][]string{{"eval", "--epochs", "2"}, {"finetune", "--epochs", "1", "--labels", "0.5"}} {
		status, out, errs := do(append(args, "--run", run, "--threads", "1")...)
		assert.Equal(t, exitFailure, status, args)
		assert.Empty(t, out, args)
		assert.Regexp(t, "not finite|became NaN", errs, args)
	}
}
