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

// tiny are flags of runs of less than a second.
func tiny(command, out string, more ...string) []string {
	return append([]string{command, "--preset", "cpu", "--seeds", "1", "--count", "96", "--batch-size", "32", "--epochs",
		"1", "--width", "0.125", "--hidden", "16", "--dim", "8", "--size", "16",
		"--msr-width", "0.25", "--meta-every", "2", "--probe-epochs", "2", "--threads", "1", "--out", out}, more...)
}

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

func TestFineTuneWithAShareOfTheLabels(t *testing.T) {
	run := filepath.Join(t.TempDir(), "run")
	status, _, errs := do(small("--out", run, "--count", "200")...)
	require.Zero(t, status, errs)
	args := []string{"finetune", "--run", run, "--labels", "0.1,0.5", "--epochs", "4", "--batch-size", "20", "--threads",
		"1", "--json"}
	type result struct{ Results []train.FineTuned }
	tune := func(more ...string) (r result) {
		status, out, errs := do(append(args, more...)...)
		require.Zero(t, status, errs)
		require.NoError(t, json.Unmarshal([]byte(out), &r))
		return r
	}
	r := tune()
	require.Len(t, r.Results, 2)
	assert.Equal(t, []int{20, 100}, []int{r.Results[0].Pictures, r.Results[1].Pictures})
	assert.Greater(t, r.Results[1].Accuracy.Top5, r.Results[1].Accuracy.Top1)
	assert.Equal(t, r, tune(), "the same seed gives the same")
	assert.NotEqual(t, r, tune("--from-scratch"))
	list := filepath.Join(t.TempDir(), "list.txt")
	require.NoError(t, os.WriteFile(list, []byte("a/0.jpg"), 0o600))
	for want, more := range map[string][]string{
		"--labels 2: want shares above 0": {"--labels", "2"},
		"--batch-size 1":                  {"--batch-size", "1"},
		"fine-tuning of 0 epochs":         {"--epochs", "0"},
		"shapes train is not a data set of files, which a list of labels needs": {"--label-list", list},
		"give either --run DIR or --checkpoint":                                 {"--checkpoint", "x"},
	} {
		status, _, errs := do(append(args, more...)...)
		assert.NotZero(t, status)
		assert.Contains(t, errs, want)
	}
}

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

// Another data set is evaluated with the one that the run was trained on left
// out of it.
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

func TestThePapersTablesAreCommands(t *testing.T) {
	args := tiny("table1", filepath.Join(t.TempDir(), "table1"), "--methods", "lmcl", "--dataset", "shapes",
		"--correlation", "0.5")
	status, printed, errs := do(args...)
	require.Zero(t, status, errs)
	assert.Contains(t, printed, "| lmcl | ")
	assert.NotContains(t, printed, "| simclr | ")
	for _, name := range []string{"table1", "table2", "table3", "semi"} {
		status, _, errs := do(name)
		assert.Equal(t, exitFailure, status)
		assert.Contains(t, errs, "needs --data-dir", name)
	}
}

func TestSemiGoesOnWhereItStopped(t *testing.T) {
	args := tiny("semi", filepath.Join(t.TempDir(), "semi"), "--methods", "simclr", "--labels", "0.5", "--tune-epochs",
		"1", "--dataset", "shapes")
	status, first, errs := do(args...)
	require.Zero(t, status, errs)
	assert.Contains(t, first, "| supervised, from scratch | ")
	assert.Contains(t, first, "| simclr+MSR | ")
	assert.Contains(t, first, "50.7, 77.1; 66.9, 89.6", "the paper's")
	status, again, errs := do(args...)
	require.Zero(t, status, errs)
	assert.Equal(t, strings.Count(first, "\n"), strings.Count(again, "\n"))
	table := func(s string) (rows []string) {
		for _, l := range strings.Split(s, "\n") {
			if strings.HasPrefix(l, "| s") {
				rows = append(rows, l)
			}
		}
		return rows
	}
	assert.Equal(t, table(first), table(again))
	seeds := strings.Count(errs, "scores.json")
	assert.Equal(t, seeds, strings.Count(errs, "finetuned.json"))
	assert.Equal(t, seeds/2, strings.Count(errs, "supervised.json"))
	status, _, errs = do(append(args, "--tune-epochs", "2")...)
	require.Zero(t, status, errs)
	assert.NotContains(t, errs, "finetuned.json", "another recipe is done anew")
	for want, more := range map[string]string{"--labels 2: want shares": "--labels=0.1,2",
		"none.txt: no such file": "--label-list=none.txt"} {
		status, _, errs = do(append(args, more)...)
		assert.Equal(t, exitUsage, status)
		assert.Contains(t, errs, want)
		assert.NotContains(t, errs, "seed 1 of", "before any training")
	}
}

// Evaluation in between leaves the training as it is.
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

// Views made on the device are those of the host within rounding: the same seed
// trains nearly the same network; augment-option changes both.
func TestViewsOnTheDevice(t *testing.T) {
	loss := func(more ...string) float64 {
		out := filepath.Join(t.TempDir(), "run")
		status, _, errs := do(small(append([]string{"--out", out}, more...)...)...)
		require.Zero(t, status, errs)
		metrics, err := train.ReadMetrics(out)
		require.NoError(t, err)
		return metrics[0].Value("l_ct")
	}
	host := loss()
	device := loss("--augment-on", "device")
	assert.InDelta(t, host, device, 2e-3)
	assert.NotEqual(t, host, device, "colours are rounded apart somewhere")
	other := loss("--augment-option", "crop-min=0.9", "--augment-option", "jitter=0,flip=0")
	assert.Greater(t, host, other+0.05, "views that differ less are easier to tell from others")
	for want, more := range map[string][]string{`unknown --augment-on "gpu"`: {"--augment-on", "gpu"},
		`unknown --augment-option "crop"`: {"--augment-option", "crop=0.5"}, "crop scale 2 to 1": {"--augment-option",
			"crop-min=2"}} {
		status, _, errs := do(small(append([]string{"--out", filepath.Join(t.TempDir(), "run")}, more...)...)...)
		assert.Equal(t, exitUsage, status)
		assert.Contains(t, errs, want)
	}
}
