package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/icl-msr/icl-msr/train"
)

func TestSharesOfTheLabels(t *testing.T) {
	for text, want := range map[string][]train.LabelShare{
		"0.01:60,0.1:30": {{Share: 0.01, Epochs: 60}, {Share: 0.1, Epochs: 30}},
		"0.01, 1e-1:5":   {{Share: 0.01, Epochs: 0}, {Share: 0.1, Epochs: 5}},
		"1":              {{Share: 1, Epochs: 0}},
	} {
		got := []train.LabelShare{{Share: 0.5, Epochs: 0}}
		f := &labelShares{to: &got}
		require.NoError(t, f.Set(text), text)
		assert.Equal(t, want, got, "the default goes: %s", text)
		require.NoError(t, f.Set("0.2:7"))
		assert.Equal(t, append(want, train.LabelShare{Share: 0.2, Epochs: 7}), got, "given again, it adds")
	}
	for text, want := range map[string]string{
		"":         `"": want SHARE or SHARE:EPOCHS`,
		"a:60":     `"a:60": want SHARE or SHARE:EPOCHS`,
		"0.1:":     `"0.1:": want a whole number of epochs, 1 or more`,
		"0.1:0":    "want a whole number of epochs",
		"0.1:060":  "want a whole number of epochs",
		"0.1:-3":   "want a whole number of epochs",
		"0.1:6.5":  "want a whole number of epochs",
		"0.1:6:7":  "want a whole number of epochs",
		"0.1,,0.2": `"": want SHARE`,
	} {
		got := []train.LabelShare{{Share: 0.5, Epochs: 0}}
		assert.ErrorContains(t, (&labelShares{to: &got}).Set(text), want, text)
		assert.Equal(t, []train.LabelShare{{Share: 0.5, Epochs: 0}}, got, "a wrong text changes nothing")
	}
}

// A flag's value, written as text and parsed again, is the same.
func FuzzSharesOfTheLabels(f *testing.F) {
	for _, text := range []string{"0.01:60,0.1:30", "1", "0.1:", "NaN:3", "1e-400"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var first, again []train.LabelShare
		l := &labelShares{to: &first}
		if l.Set(text) != nil {
			return
		}
		require.NoError(t, (&labelShares{to: &again}).Set(l.String()))
		assert.Equal(t, l.String(), (&labelShares{to: &again}).String())
		for _, s := range again {
			assert.GreaterOrEqual(t, s.Epochs, 0)
		}
	})
}

func TestFineTuningTellsSplitsAndEpochs(t *testing.T) {
	dir := t.TempDir()
	run, folder := filepath.Join(dir, "run"), filepath.Join(dir, "pictures")
	data, err := os.ReadFile("testdata/init/a.png")
	require.NoError(t, err)
	var names []string
	for _, name := range []string{"a/0.png", "a/1.png", "b/2.png", "b/3.png"} {
		for _, part := range []string{"train", "val"} {
			path := filepath.Join(folder, part, name)
			require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
			require.NoError(t, os.WriteFile(path, data, 0o600))
		}
		names = append(names, name)
	}
	list := filepath.Join(dir, "half.txt")
	require.NoError(t, os.WriteFile(list, []byte(strings.Join(names[1:3], "\n")), 0o600))
	status, _, errs := do(small("--out", run, "--dataset", "folder", "--data-dir", folder, "--batch-size", "4", "--epochs",
		"1")...)
	require.Zero(t, status, errs)
	args := []string{"finetune", "--run", run, "--threads", "1", "--batch-size", "2"}
	status, out, errs := do(append(args, "--labels", "0.5:1,1", "--epochs", "2")...)
	require.Zero(t, status, errs)
	assert.Regexp(t, `(?m)^ *50% +drawn, seed 0 +1 +2 `, out)
	assert.Regexp(t, `(?m)^ *100% +drawn, seed 0 +2 +4 `, out)
	assert.Contains(t, out, "not published lists (--label-list takes those)")
	status, out, errs = do(append(args, "--label-list", list+":1", "--json")...)
	require.Zero(t, status, errs)
	var told struct{ Results []train.FineTuned }
	require.NoError(t, json.Unmarshal([]byte(out), &told))
	require.Len(t, told.Results, 1)
	assert.Equal(t, "list "+list, told.Results[0].Split)
	assert.Equal(t, 1, told.Results[0].Epochs)
	assert.Equal(t, 2, told.Results[0].Pictures)
	for want, more := range map[string][]string{
		"--epochs 4: all of --labels and --label-list name their own": {"--labels", "0.5:1", "--epochs", "4"},
		`--labels: "0.5:x": want a whole number of epochs`:            {"--labels", "0.5:x"},
		"--label-list none.txt: no such file":                         {"--label-list", "none.txt:3"},
	} {
		status, _, errs := do(append(args, more...)...)
		assert.Equal(t, exitUsage, status, errs)
		assert.Contains(t, errs, want)
	}
}
