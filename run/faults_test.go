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

// classes makes train and test folders of two classes.
func classes(t *testing.T, dir string, train, test int) {
	picturesIn(t, dir, test)
	require.NoError(t, os.Rename(filepath.Join(dir, "train"), filepath.Join(dir, "test")))
	picturesIn(t, dir, train)
}

// onFolder are the flags of a run of seconds on pictures of dir.
func onFolder(dir, out string, more ...string) []string {
	return small(append([]string{"--dataset", "folder", "--data-dir", dir, "--batch-size", "8", "--epochs", "1", "--out",
		out}, more...)...)
}

func scoresOf(t *testing.T, args ...string) (found []train.Score) {
	status, out, errs := do(append([]string{"eval", "--json", "--epochs", "2", "--neighbours", "1", "--threads", "1"},
		args...)...)
	require.Zero(t, status, errs)
	var got struct{ Scores []train.Score }
	require.NoError(t, json.Unmarshal([]byte(out), &got))
	return got.Scores
}

// A picture of an evaluation that cannot be read is left out, and every result says of how many it is.
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
	// Two of eight are no accident.
	spoil(files[1])
	status, _, errs = do("eval", "--run", run, "--epochs", "2", "--threads", "1")
	assert.Equal(t, exitFailure, status)
	assert.Contains(t, errs, "2 of 8 pictures cannot be read")
}

// What an evaluation would fail of is told before the training.
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

func trained(t *testing.T, dir string, more ...string) (run string) {
	run = filepath.Join(t.TempDir(), "run")
	status, _, errs := do(onFolder(dir, run, more...)...)
	require.Zero(t, status, errs)
	return run
}

// An evaluation that fails costs no epoch; what it did not do is done on resuming.
func TestAFailedEvaluationCostsNoEpoch(t *testing.T) {
	dir := t.TempDir()
	classes(t, dir, 6, 4)
	// The testing pictures are damaged, which nobody sees before they are read.
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

// evaluations are those in a run's metrics, a list an epoch.
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

// The same data under another name is the same data, and other data under the same name is not.
func TestResumingWithDataThatMoved(t *testing.T) {
	dir, out := t.TempDir(), filepath.Join(t.TempDir(), "run")
	classes(t, filepath.Join(dir, "here"), 6, 4)
	flags := []string{"--schedule", "constant"}
	status, _, errs := do(onFolder(filepath.Join(dir, "here"), out, flags...)...)
	require.Zero(t, status, errs)
	require.NoError(t, os.Rename(filepath.Join(dir, "here"), filepath.Join(dir, "there")))
	again := append(flags, "--resume", "--epochs", "2")
	status, _, errs = do(onFolder(filepath.Join(dir, "there")+"/", out, again...)...)
	require.Zero(t, status, errs)
	whole := filepath.Join(t.TempDir(), "run")
	status, _, errs = do(onFolder(filepath.Join(dir, "there"), whole, append(flags, "--epochs", "2")...)...)
	require.Zero(t, status, errs)
	assert.Equal(t, tensors(t, whole), tensors(t, out), "1 epoch and 1 more are 2")
	files, err := filepath.Glob(filepath.Join(dir, "there", "train", "*", "*"))
	require.NoError(t, err)
	data, err := os.ReadFile(files[1])
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(files[0], data, 0o600))
	status, _, errs = do(onFolder(filepath.Join(dir, "there"), out, append(flags, "--resume", "--epochs", "3")...)...)
	assert.Equal(t, exitFailure, status)
	assert.Contains(t, errs, "the data is not what the run in "+out+" began with: picture 1 was "+filepath.Base(files[0]))
	require.NoError(t, os.Remove(files[0]))
	status, _, errs = do(onFolder(filepath.Join(dir, "there"), out, append(flags, "--resume", "--epochs", "3")...)...)
	assert.Equal(t, exitFailure, status)
	assert.Contains(t, errs, "picture 1 was")
}

// A run can be made longer where that would have changed nothing of what is done.
func TestMoreEpochs(t *testing.T) {
	dir := t.TempDir()
	for name, c := range map[string]struct {
		flags  []string
		status int
		want   string
	}{
		"cosine": {[]string{"--schedule", "cosine"}, exitUsage,
			"would have changed the steps that are done (--schedule cosine): give --epochs 2, or start anew from its weights " +
				"by --init"},
		"a drop was there": {[]string{"--schedule", "step", "--drops", "1"}, exitUsage, "--schedule step"},
		"byol's momentum": {[]string{"--schedule", "constant", "--method", "byol"}, exitUsage,
			"--method byol follows the run's length"},
		"swav's prototypes": {[]string{"--schedule", "constant", "--method", "swav", "--prototypes", "8", "--queue", "0",
			"--count", "512"}, exitUsage, "--method swav follows"},
		"drops are far": {[]string{"--schedule", "step", "--drops", "7"}, 0, ""},
		"constant":      {[]string{"--schedule", "constant", "--warmup", "3"}, 0, ""},
	} {
		run := filepath.Join(dir, name)
		status, _, errs := do(small(append(c.flags, "--out", run)...)...)
		require.Zero(t, status, errs)
		more := "4"
		if name == "swav's prototypes" {
			more = "40"
		}
		status, _, errs = do(small(append(c.flags, "--out", run, "--resume", "--epochs", more)...)...)
		assert.Equal(t, c.status, status, "%s: %s", name, errs)
		assert.Contains(t, errs, c.want, name)
	}
	status, _, errs := do(small("--schedule", "constant", "--warmup", "3", "--out", filepath.Join(dir, "constant"),
		"--resume", "--epochs", "1")...)
	assert.Equal(t, exitUsage, status)
	assert.Contains(t, errs, "--epochs 1 is less than the 4 that it has done: leave --epochs out")
}

// Where the newest checkpoint is not whole, the newest whole one is taken, with a word.
func TestANumberedCheckpointStandsInForTheLast(t *testing.T) {
	dir := t.TempDir()
	run, whole := filepath.Join(dir, "run"), filepath.Join(dir, "whole")
	status, _, errs := do(small("--save-every", "1", "--out", run)...)
	require.Zero(t, status, errs)
	require.NoError(t, os.Rename(run, whole))
	for name, damage := range map[string]func(path string) error{"gone": os.Remove,
		"cut": func(path string) error { return os.Truncate(path, 1000) }} {
		require.NoError(t, os.CopyFS(run, os.DirFS(whole)))
		require.NoError(t, damage(runfolder.Last(run)), name)
		require.NoError(t, os.Remove(runfolder.Checkpoint(run, 2)), name)
		status, out, errs := do("eval", "--run", run, "--epochs", "2", "--threads", "1")
		require.Zero(t, status, errs)
		assert.Contains(t, out, "epoch-0001.safetensors after 1 epochs", name)
		status, _, errs = do(small("--save-every", "1", "--out", run, "--resume")...)
		require.Zero(t, status, errs)
		assert.Contains(t, errs, "resumed at epoch 1, batch 0", name)
		assert.Equal(t, tensors(t, whole), tensors(t, run), name)
		require.NoError(t, os.RemoveAll(run))
	}
	// Killed between the last checkpoint and the numbered one: that one is written on resuming.
	require.NoError(t, os.CopyFS(run, os.DirFS(whole)))
	require.NoError(t, os.Remove(runfolder.Checkpoint(run, 2)))
	status, _, errs = do(small("--save-every", "1", "--out", run, "--resume")...)
	require.Zero(t, status, errs)
	want, err := os.ReadFile(runfolder.Checkpoint(whole, 2))
	require.NoError(t, err)
	got, err := os.ReadFile(runfolder.Checkpoint(run, 2))
	require.NoError(t, err)
	assert.Equal(t, want, got)
}

// A state that is not finite reaches no checkpoint, and what is said of the last one is true.
func TestADivergedRunKeepsWhatWasWhole(t *testing.T) {
	run := filepath.Join(t.TempDir(), "run")
	// The first step's loss is finite; what it makes of the parameters is not.
	status, _, errs := do(small("--optimizer", "sgd", "--lr", "3e38", "--weight-decay", "100", "--batch-size", "64",
		"--epochs", "1", "--out", run)...)
	assert.Equal(t, exitFailure, status)
	assert.Contains(t, errs, "not finite")
	assert.Contains(t, errs, "no checkpoint was written before that")
	assert.NoFileExists(t, runfolder.Last(run))
	status, _, errs = do(small("--optimizer", "sgd", "--lr", "1e38", "--epochs", "1", "--out", run+"2")...)
	assert.Equal(t, exitFailure, status)
	assert.Contains(t, errs, "no checkpoint was written before that")
}

// A damaged network gives no figures.
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
