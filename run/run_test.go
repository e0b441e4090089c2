package main

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/icl-msr/icl-msr/internal/outfile"
	"github.com/icl-msr/icl-msr/internal/runfolder"
	"github.com/icl-msr/icl-msr/torchscript"
	"github.com/icl-msr/icl-msr/train"
)

// small returns the flags of a run of seconds.
func small(more ...string) []string {
	return append([]string{"pretrain", "--preset", "cpu", "--count", "64", "--batch-size", "16", "--epochs", "2",
		"--width", "0.0625", "--hidden", "16", "--dim", "8",
		"--size", "16", "--warmup", "0", "--msr-width", "0.25", "--threads", "1", "--workers", "2"}, more...)
}

func do(args ...string) (status int, out, errs string) {
	var o, e bytes.Buffer
	status = execute(context.Background(), program{&o, &e}, args)
	return status, o.String(), e.String()
}

func tensors(t *testing.T, dir string) map[string][]byte {
	ts, _, err := torchscript.ReadSafetensorsFile(runfolder.Last(dir))
	require.NoError(t, err)
	out := map[string][]byte{}
	for _, x := range ts {
		out[x.Name] = x.Data
	}
	return out
}

func TestASeedFixesARunAndLambdaZeroIsTheBaseline(t *testing.T) {
	dir := t.TempDir()
	runs := map[string][]string{"a": {}, "b": {}, "zero": {"--msr", "--lambda", "0"}, "msr": {"--msr"},
		"other": {"--seed", "5"}}
	got := map[string]map[string][]byte{}
	for name, more := range runs {
		status, _, errs := do(small(append(more, "--out", filepath.Join(dir, name))...)...)
		require.Zero(t, status, errs)
		got[name] = tensors(t, filepath.Join(dir, name))
	}
	assert.Equal(t, got["a"], got["b"])
	const w = "backbone.layer1.0.conv1.weight"
	assert.NotEqual(t, got["a"][w], got["other"][w])
	assert.NotEqual(t, got["a"][w], got["msr"][w])
	for name, data := range got["a"] {
		require.Equal(t, data, got["zero"][name], "lambda 0: %s", name)
	}
}

func TestInterruptedAndResumedEqualsUninterrupted(t *testing.T) {
	dir := t.TempDir()
	whole, cut := filepath.Join(dir, "whole"), filepath.Join(dir, "cut")
	status, _, errs := do(small("--msr", "--out", whole)...)
	require.Zero(t, status, errs)
	// The run is interrupted repeatedly, at any point.
	resume := []string{}
	for tries := 0; ; tries++ {
		require.Less(t, tries, 100)
		ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
		stop := time.AfterFunc(time.Duration(150+30*tries)*time.Millisecond, cancel)
		var o, e bytes.Buffer
		status := execute(ctx, program{&o, &e}, small(append([]string{"--msr", "--out", cut}, resume...)...))
		stop.Stop()
		cancel()
		resume = []string{"--resume"}
		if status == 0 {
			break
		}
		require.Equal(t, exitInterrupted, status, e.String())
		if !outfile.Exists(runfolder.Config(cut)) { // interrupted before the folder was made
			resume = nil
		}
	}
	want, got := tensors(t, whole), tensors(t, cut)
	require.Equal(t, len(want), len(got))
	for name := range want {
		require.Equal(t, want[name], got[name], name)
	}
	a, err := train.ReadMetrics(whole)
	require.NoError(t, err)
	b, err := train.ReadMetrics(cut)
	require.NoError(t, err)
	require.Len(t, b, len(a))
	for i := range a {
		assert.Equal(t, a[i].Value("l_to"), b[i].Value("l_to"))
		assert.Equal(t, a[i].Value("grad_norm_l_ct_fast"), b[i].Value("grad_norm_l_ct_fast"))
	}
}

func TestMicroBatchesAndCheckpoints(t *testing.T) {
	dir := t.TempDir()
	got := map[string]map[string][]byte{}
	for name, args := range map[string][]string{"plain": nil, "all": {"--micro-batch", "16"},
		"more": {"--micro-batch", "24"}, "parts": {"--micro-batch", "4"},
		"both": {"--micro-batch", "4", "--checkpoint-activations"}} {
		folder := filepath.Join(dir, name)
		status, _, errs := do(small(append([]string{"--msr", "--epochs", "1", "--out", folder}, args...)...)...)
		require.Zero(t, status, errs)
		got[name] = tensors(t, folder)
	}
	differ := false
	for name, data := range got["plain"] {
		require.Equal(t, data, got["all"][name], "a micro-batch of the whole batch: %s", name)
		require.Equal(t, data, got["more"][name], "a micro-batch of more than that: %s", name)
		differ = differ || !bytes.Equal(data, got["parts"][name])
	}
	assert.True(t, differ, "batch norms take the statistics of a part")
	status, _, errs := do(small("--msr", "--epochs", "1", "--out", filepath.Join(dir, "parts"), "--resume")...)
	assert.Equal(t, 1, status)
	assert.Contains(t, errs, "micro-batch")
}

func TestHelpShowsDefaults(t *testing.T) {
	status, out, _ := do("pretrain", "--help")
	assert.Zero(t, status)
	assert.Contains(t, out, "--temperature float")
	assert.Contains(t, out, "(default 0.5)")
	for _, q := range train.Presets() {
		assert.Contains(t, out, q.About)
	}
}

func TestConfigFileLiesUnderTheFlags(t *testing.T) {
	path := filepath.Join(t.TempDir(), "c.yaml")
	require.NoError(t, os.WriteFile(path, []byte("epochs: 7\nlr: 0.5\n"), 0o600))
	var o bytes.Buffer
	c, err := request{command: "pretrain", args: []string{"--preset", "cifar10", "--config", path, "--lr", "0.25"},
		extra: func(*pflag.FlagSet) {}}.settle(program{&o, &o})
	require.NoError(t, err)
	assert.Equal(t, 7, c.Schedule.Epochs)
	assert.Equal(t, 0.25, c.Schedule.LR)
	assert.Equal(t, "cifar10", c.Data.Name)
}

// One picture that cannot be read does not end a run. A message names it.
func TestBadPicturesAreSkippedOrStop(t *testing.T) {
	data := t.TempDir()
	for c := range 2 {
		for i := range 40 {
			m := image.NewGray(image.Rect(0, 0, 16, 16))
			m.Pix[i] = uint8(50 * c)
			var b bytes.Buffer
			require.NoError(t, png.Encode(&b, m))
			path := filepath.Join(data, fmt.Sprintf("class%d", c), fmt.Sprintf("%02d.png", i))
			require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
			require.NoError(t, os.WriteFile(path, b.Bytes(), 0o600))
		}
	}
	bad := filepath.Join(data, "class1", "05.png")
	require.NoError(t, os.WriteFile(bad, nil, 0o600))
	var run string
	train := func(more ...string) (int, string) {
		run = filepath.Join(t.TempDir(), "run")
		status, _, errs := do(append([]string{"pretrain", "--preset", "cpu", "--dataset", "folder", "--data-dir", data,
			"--epochs", "2", "--batch-size", "16", "--size", "16", "--width", "0.125",
			"--threads", "1", "--out", run}, more...)...)
		return status, errs
	}
	status, errs := train()
	assert.Zero(t, status, errs)
	assert.Equal(t, 1, strings.Count(errs, bad+" (0 bytes): the file is empty"), "named once: %s", errs)
	status, _, errs = do("eval", "--run", run, "--epochs", "2", "--threads", "1")
	assert.Zero(t, status, errs)
	assert.Equal(t, 1, strings.Count(errs, bad), "evaluation names it, too")
	status, errs = train("--bad-pictures", "stop")
	assert.Equal(t, exitFailure, status)
	assert.Contains(t, errs, bad)
	status, errs = train("--bad-pictures", "ignore")
	assert.Equal(t, exitUsage, status)
	assert.Contains(t, errs, `unknown --bad-pictures "ignore"`)
	for i := 20; i < 36; i++ {
		require.NoError(t, os.WriteFile(filepath.Join(data, "class0", fmt.Sprintf("%02d.png", i)), []byte("x"), 0o600))
	}
	status, errs = train()
	assert.Equal(t, exitFailure, status)
	assert.Regexp(t, `(8|9|1[0-9]) of 72 pictures cannot be read`, errs, "as many as were looked at by then")
}
