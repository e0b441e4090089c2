package main

import (
	"encoding/csv"
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

func TestOneSeedHasNoSpread(t *testing.T) {
	for _, args := range [][]string{
		tinyGrid("", "simclr", "--seeds", "1"), tiny("sweep", "", "--axis", "lambda=1"), tiny("toy", "", "--methods",
			"simclr"),
		tiny("semi", "", "--methods", "simclr", "--labels", "0.5:1", "--dataset", "shapes"),
	} {
		out := filepath.Join(t.TempDir(), "grid")
		status, printed, errs := do(append(args, "--out", out)...)
		require.Zero(t, status, errs)
		page, err := os.ReadFile(filepath.Join(out, "index.html"))
		require.NoError(t, err)
		for _, text := range []string{printed, string(page)} {
			assert.NotContains(t, text, "±", args[0])
			assert.NotContains(t, text, "NaN", args[0])
			assert.Contains(t, text, "; 1 seed, hence no spread and no interval", args[0])
			assert.NotRegexp(t, `p [01]\.`, text)
		}
		assert.Contains(t, string(page), "no difference here can be told from chance")
	}
}

func TestAblationsAreBaselines(t *testing.T) {
	out := filepath.Join(t.TempDir(), "grid")
	status, printed, errs := do(tinyGrid(out, "byol", "--ablations", "ones,frozen", "--lambda", "30", "--lr", "0.01",
		"--warmup", "0")...)
	require.Zero(t, status, errs)
	assert.Contains(t, printed, "MSR against its ablations; 2 seeds")
	f, err := os.Open(filepath.Join(out, "table.csv"))
	require.NoError(t, err)
	defer f.Close()
	r := csv.NewReader(f)
	r.FieldsPerRecord = -1
	lines, err := r.ReadAll()
	require.NoError(t, err)
	top1 := func(name string, seed int) float64 {
		var scores []train.Score
		data, err := os.ReadFile(filepath.Join(out, fmt.Sprintf("%s-seed%d", name, seed), "scores.json"))
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(data, &scores))
		return 100 * scores[0].Value("linear.top1")
	}
	found := 0
	for _, cells := range lines {
		for ablation, name := range map[string]string{"ones: byol + 30 NT-Xent": "byol+msr-ones",
			"frozen": "byol+msr-frozen"} {
			if cells[2] != ablation || !strings.HasPrefix(cells[0], "test pictures: full;") {
				continue
			}
			found++
			want := (top1("byol+msr", 0) - top1(name, 0) + top1("byol+msr", 1) - top1(name, 1)) / 2
			assert.Equal(t, fmt.Sprintf("%+.2f", math.Round(100*want)/100+0), strings.Fields(cells[5])[0], name)
			config, err := os.ReadFile(filepath.Join(out, name+"-seed0", "config.yaml"))
			require.NoError(t, err)
			assert.Contains(t, string(config), "msr-ablation: "+strings.TrimPrefix(name, "byol+msr-")+"\n")
		}
	}
	assert.Equal(t, 2, found)
	page, err := os.ReadFile(filepath.Join(out, "index.html"))
	require.NoError(t, err)
	assert.Contains(t, string(page), "methods without negatives (here byol)")
	assert.Contains(t, string(page), "Its rows are named &#34;ones&#34;.")
	for want, more := range map[string][]string{
		"--ablations names ones twice":            {"--ablations", "ones,ones"},
		`--ablations: unknown "once"`:             {"--ablations", "once"},
		"--ablations with --msr off: MSR is what": {"--ablations", "ones", "--msr", "off"},
	} {
		status, _, errs := do(tinyGrid(filepath.Join(t.TempDir(), "x"), "byol", more...)...)
		assert.Equal(t, exitUsage, status, errs)
		assert.Contains(t, errs, want)
	}
}

func TestHelpSaysWhatACommandDoes(t *testing.T) {
	for _, c := range commands() {
		status, out, errs := do(c.name, "--help")
		require.Zero(t, status, errs)
		lines := strings.Split(out, "\n")
		assert.True(t, strings.EqualFold(c.about+".", lines[2]), "%s: %q", c.name, lines[2])
	}
	for name, want := range map[string][]string{
		"table1": {`(default "cifar10")`, "(default 3)", `"runs/table1"`, "(default 500)", `simclr,byol,w_mse,w_mse2,ressl`},
		"table2": {`(default "imagenet-100")`, `"runs/table2"`, `simclr,moco,cmc`},
		"semi":   {`(default "imagenet")`, "(default 3)", "(default 0.01,0.1)"},
	} {
		_, out, _ := do(name, "--help")
		out = regexp.MustCompile(`\s+`).ReplaceAllString(out, " ")
		for _, text := range want {
			assert.Contains(t, out, text, name)
		}
	}
}

func TestFigure5(t *testing.T) {
	out := filepath.Join(t.TempDir(), "figure5")
	status, printed, errs := do(tiny("figure5", out, "--seeds", "2", "--lambda-values", "0.1,1", "--gamma-values", "1,10",
		"--weights-values", "2,6")...)
	require.Zero(t, status, errs)
	folders, err := filepath.Glob(filepath.Join(out, "*-seed1"))
	require.NoError(t, err)
	var names []string
	for _, f := range folders {
		names = append(names, filepath.Base(f))
	}
	assert.Equal(t, []string{"gamma-10-seed1", "lambda-0.1-seed1", "simclr+msr-seed1", "simclr-seed1", "weights-2-seed1"},
		names,
		"lambda 1, gamma 1 and n 6 are one run")
	for _, row := range []string{"lambda 0.1", "lambda 1", "gamma 1", "gamma 10", "n 2", "n 6"} {
		assert.Equal(t, 3, strings.Count(printed, "| "+row+" | "), row)
	}
	page, err := os.ReadFile(filepath.Join(out, "index.html"))
	require.NoError(t, err)
	assert.Equal(t, 9, strings.Count(string(page), "<svg"), "three panels, three kinds of pictures")
	assert.Contains(t, string(page), "linear without MSR")
	for want, more := range map[string][]string{
		"--gamma-values 0: want numbers above 0":   {"--gamma-values", "0"},
		"--lambda-values: 1 twice":                 {"--lambda-values", "1,1"},
		"--weights 2.5: want a whole number":       {"--weights-values", "2.5"},
		"--weights-values: all are empty, so that": {"--lambda-values", "", "--gamma-values", "", "--weights-values", ""},
	} {
		status, _, errs := do(tiny("figure5", filepath.Join(t.TempDir(), "x"), more...)...)
		assert.Equal(t, exitUsage, status, errs)
		assert.Contains(t, errs, want)
	}
}
