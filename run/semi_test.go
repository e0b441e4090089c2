package main

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/icl-msr/icl-msr/train"
)

// The differences of Table 4 follow from the files that the runs keep. Each share has its own epochs.
func TestSemiComparesAndTellsItsRecipe(t *testing.T) {
	out := filepath.Join(t.TempDir(), "semi")
	status, printed, errs := do(tiny("semi", out, "--methods", "byol", "--seeds", "2", "--labels", "0.3:3,0.5",
		"--tune-epochs", "1",
		"--supervised=false", "--ablations", "ones", "--lambda", "30", "--lr", "0.01", "--warmup", "0",
		"--dataset", "shapes")...)
	require.Zero(t, status, errs)
	top1 := func(name string, seed, part int) float64 {
		data, err := os.ReadFile(filepath.Join(out, fmt.Sprintf("%s-seed%d", name, seed), "finetuned.json"))
		require.NoError(t, err)
		var f struct{ Results []train.FineTuned }
		require.NoError(t, json.Unmarshal(data, &f))
		assert.Equal(t, []int{3, 1}, []int{f.Results[0].Epochs, f.Results[1].Epochs})
		assert.Equal(t, fmt.Sprintf("drawn, seed %d", seed), f.Results[part].Split)
		return 100 * f.Results[part].Accuracy.Top1
	}
	for to, name := range map[string]string{"the method alone": "byol", `ones: byol \+ 30 NT-Xent`: "byol+msr-ones"} {
		row := regexp.MustCompile(`(?m)^\| byol \| ` + to + ` \| (\S+) [^|]*\| [^|]*\| (\S+) `).FindStringSubmatch(printed)
		require.NotNil(t, row, printed)
		for part := range 2 {
			d := 0.0
			for seed := range 2 {
				d += (top1("byol+msr", seed, part) - top1(name, seed, part)) / 2
			}
			assert.Equal(t, fmt.Sprintf("%+.2f", math.Round(100*d)/100+0), row[1+part], "%s, share %d", name, part)
		}
	}
	assert.Contains(t, printed, "not published lists (--label-list takes those); 2 seeds")
	page, err := os.ReadFile(filepath.Join(out, "index.html"))
	require.NoError(t, err)
	assert.Contains(t, string(page), "3 epochs with 30%, 1 epoch with 50%; rate 0.05 for batches of 256; splits drawn")
	assert.Contains(t, string(page), "Here: resnet8 of width 0.125 on shapes, 1 epoch.")
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
