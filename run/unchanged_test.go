package main

import (
	"cmp"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/pflag"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/icl-msr/icl-msr/train"
)

// Flags that name neither a data set's preset nor --method-defaults bring no recipe. Their settings equal those of the
// version that wrote testdata/unchanged, before recipes were layers.
func TestCommandLinesWithoutARecipeAreAsEver(t *testing.T) {
	for _, line := range []string{"", "--method byol", "--method w_mse --dataset cifar10", "--preset cpu",
		"--preset cpu --method moco", "--preset cpu --dataset cifar10", "--preset lightly-cifar10",
		"--preset lightly-cifar10 --method byol", "--dataset folder --size 224 --augment imagenet"} {
		c, err := settled(t, "", strings.Fields(line)...)
		require.NoError(t, err, line)
		name := cmp.Or(strings.NewReplacer("--", "", " ", "-").Replace(line), "default") + ".yaml"
		path := filepath.Join("testdata", "unchanged", name)
		want, err := os.ReadFile(path)
		require.NoError(t, err)
		says(t, string(want), c, line)
	}
}

// A complete config.yaml of that version keeps its values, whatever preset and recipe are below it.
func TestOlderConfigFilesKeepWhatTheySay(t *testing.T) {
	files, err := filepath.Glob("testdata/older/*.yaml")
	require.NoError(t, err)
	require.Len(t, files, 3)
	for _, path := range files {
		want, err := os.ReadFile(path)
		require.NoError(t, err)
		for _, line := range []string{"", "--preset cifar10", "--preset imagenet --method-defaults baseline",
			"--method-defaults paper"} {
			r := request{command: "pretrain", args: append([]string{"--config", path}, strings.Fields(line)...),
				extra: func(*pflag.FlagSet) {}}
			c, err := r.settle(program{io.Discard, io.Discard})
			require.NoError(t, err)
			says(t, string(want), c, path+" "+line)
		}
		c, err := parseConfig(string(want))
		require.NoError(t, err)
		says(t, string(want), c, "the plugin's")
	}
}

// says compares the settings of an older file. Later versions have more settings.
func says(t *testing.T, older string, c train.Config, what string) {
	var want, got map[string]any
	require.NoError(t, yaml.Unmarshal([]byte(older), &want))
	require.NoError(t, yaml.Unmarshal([]byte(yamlOf(t, c)), &got))
	for key, value := range want {
		assert.Equal(t, value, got[key], "%s: %s", what, key)
	}
}

func yamlOf(t *testing.T, c train.Config) string {
	text, err := yaml.Marshal(c)
	require.NoError(t, err)
	return string(text)
}

// A run of that version is scored, and resumed by the command line that began it, although the preset's recipe has
// changed since. What the command line names is compared as always.
func TestARunOfAnOlderVersionIsResumed(t *testing.T) {
	out := filepath.Join(t.TempDir(), "run")
	require.NoError(t, os.CopyFS(out, os.DirFS("testdata/older/run")))
	line := func(more ...string) []string {
		return append([]string{"pretrain", "--preset", "cifar10", "--dataset", "shapes", "--arch", "resnet8", "--width",
			"0.0625", "--hidden", "4", "--dim", "2", "--count", "16", "--batch-size", "8", "--epochs", "2", "--save-every", "1",
			"--size", "16", "--threads", "1", "--workers", "1", "--out", out, "--resume"}, more...)
	}
	status, _, errs := do("eval", "--run", out, "--epochs", "2", "--threads", "1")
	require.Zero(t, status, errs)
	for want, more := range map[string][]string{
		"holds a run with temperature 0.5, not 0.4": {"--temperature", "0.4"},
		"holds a run with method simclr, not byol":  {"--method", "byol"},
	} {
		status, _, errs = do(line(more...)...)
		assert.NotZero(t, status)
		assert.Contains(t, errs, want)
	}
	before, err := train.ReadConfig(out)
	require.NoError(t, err)
	status, _, errs = do(line()...)
	require.Zero(t, status, errs)
	after, err := train.ReadConfig(out)
	require.NoError(t, err)
	assert.Equal(t, yamlOf(t, before), yamlOf(t, after))
	epochs, err := train.ReadMetrics(out)
	require.NoError(t, err)
	require.Len(t, epochs, 2)
	assert.InDelta(t, 2.974114, epochs[1].Value("l_to"), 1e-3, "as that version went on")
}
