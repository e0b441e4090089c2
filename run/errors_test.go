package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/icl-msr/icl-msr/internal/runfolder"
)

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
