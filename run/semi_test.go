package main

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/icl-msr/icl-msr/train"
)

// The differences of Table 4 are those of the files that the runs keep, and each
// share has its own epochs.
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
