package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/icl-msr/icl-msr/train"
)

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
