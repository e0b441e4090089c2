package main

import (
	"bytes"
	"context"
	"encoding/json"
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

// small are the flags of a run of seconds.
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
	// Interrupted again and again, wherever it happens to be.
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
		"more": {"--micro-batch", "24"}, "parts": {"--micro-batch", "4"}, "both": {"--micro-batch", "4", "--checkpoint-activations"}} {
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

func TestBadInputIsOneClearLine(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, data []byte) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, data, 0o600))
		return path
	}
	run := filepath.Join(dir, "run")
	status, _, errs := do(small("--epochs", "1", "--out", run)...)
	require.Zero(t, status, errs)
	good, err := os.ReadFile(runfolder.Last(run))
	require.NoError(t, err)
	torn := write("torn.safetensors", good[:len(good)-100])
	write("one/cat/a.png", nil)
	write("empty/x.txt", nil)
	write("bad/cat/a.jpg", []byte("no picture"))
	write("bad/dog/b.jpg", nil)
	write("cifar/data_batch_1.bin", make([]byte, 4000))
	wide := small("--epochs", "1", "--out", filepath.Join(dir, "wide"), "--width", "0.125")
	status, _, errs = do(wide...)
	require.Zero(t, status, errs)
	require.NoError(t, os.WriteFile(runfolder.Last(filepath.Join(dir, "wide")), good, 0o600))
	next := 0
	for _, c := range []struct {
		status int
		want   string
		args   []string
	}{
		{2, `unknown command "pretain"; did you mean "pretrain"`, []string{"pretain"}},
		{2, "did you mean --epochs", []string{"pretrain", "--epoch", "3"}},
		{2, `unknown method "simclrr"; did you mean "simclr"`, small("--method", "simclrr")},
		{2, `unknown preset "cifar11"; did you mean "cifar10"`, []string{"pretrain", "--preset", "cifar11"}},
		{2, "--device gpu: want cpu, cuda or cuda:i", small("--device", "gpu")},
		{1, "this program sees 0 CUDA devices", small("--device", "cuda:3")},
		{2, "--batch-size 1: a contrastive loss needs 2", small("--batch-size", "1")},
		{1, "--batch-size 100 is larger than the 64 pictures", small("--batch-size", "100")},
		{2, "--micro-batch 3: want a divisor of the 16 pictures of a step on each process", small("--micro-batch", "3")},
		{2, "--micro-batch -4: want a divisor", small("--micro-batch", "-4")},
		{2, "use --meta-grad forward-mode", small("--msr", "--checkpoint-activations", "--meta-grad", "unrolled")},
		{2, "--lambda NaN: want a finite number", small("--msr", "--lambda", "NaN")},
		{2, "--msr-space", small("--msr", "--msr-space", "embeding")},
		{2, "learning rate -1", small("--lr", "-1")},
		{1, "--dataset folder needs --data-dir", small("--dataset", "folder")},
		{1, "no such file or directory", small("--dataset", "folder", "--data-dir", filepath.Join(dir, "nowhere"))},
		{1, "has no class folders", small("--dataset", "folder", "--data-dir", filepath.Join(dir, "empty"))},
		{1, "has one class only (cat): there is nothing to evaluate",
			[]string{"eval", "--run", run, "--dataset", "folder", "--data-dir", filepath.Join(dir, "one")}},
		{2, "--depth16 hihg: want high, scale, percentile",
			small("--dataset", "folder", "--data-dir", filepath.Join(dir, "one"), "--depth16", "hihg")},
		{1, "nowhere: no such file", []string{"embed", "--run", run, "--out", filepath.Join(dir, "embedded.npy"),
			filepath.Join(dir, "nowhere")}},
		{1, "; replace or remove it", small("--dataset", "folder", "--data-dir", filepath.Join(dir, "bad"), "--batch-size",
			"2")},
		{1, "truncated at offset 3073", small("--dataset", "cifar10", "--data-dir", filepath.Join(dir, "cifar"))},
		{1, "the loss became", small("--lr", "1e30", "--optimizer", "sgd")},
		{1, "holds a run with seed 0, not 1", small("--epochs", "1", "--out", run, "--seed", "1", "--resume")},
		{1, "holds this run already; resume it by --resume", small("--epochs", "1", "--out", run)},
		{1, "a checkpoint of another architecture", append(wide, "--resume")},
		{1, "truncated", []string{"eval", "--checkpoint", torn}},
		{1, "no such folder", []string{"eval", "--run", filepath.Join(dir, "nowhere")}},
		{2, "give either --run DIR or --checkpoint FILE", []string{"eval"}},
		{2, "--config", []string{"pretrain", "--config", filepath.Join(dir, "none.yaml")}},
		{2, `typo.yaml:1: unknown setting "epoch"; did you mean "epochs"?`,
			[]string{"pretrain", "--config", write("typo.yaml", []byte("epoch: 3\n"))}},
	} {
		args := c.args
		if args[0] == "pretrain" && !strings.Contains(strings.Join(args, " "), "--out") {
			args = append(args, "--out", filepath.Join(dir, "out", string(rune('a'+next))))
			next++
		}
		status, _, errs := do(args...)
		last := errs[strings.LastIndex(strings.TrimSpace(errs), "\n")+1:]
		assert.Equal(t, c.status, status, "%v: %s", c.args, errs)
		assert.Contains(t, last, c.want)
		assert.True(t, strings.HasPrefix(last, "run: "), "the last line is the error: %s", errs)
	}
	after, err := os.ReadFile(runfolder.Last(run))
	require.NoError(t, err)
	assert.Equal(t, good, after, "a refused run leaves the checkpoint alone")
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

// One picture that cannot be read does not end a run; it is named.
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
