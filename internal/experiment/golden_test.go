package experiment

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/icl-msr/icl-msr/internal/page"
	"github.com/icl-msr/icl-msr/meta"
	"github.com/icl-msr/icl-msr/train"
)

// scoresText is the scores.json of run k, in the format that studies have always written, with a score for each variant
// of the test pictures.
func scoresText(k, classes int, variants ...string) string {
	var out []string
	for v, name := range variants {
		five := ""
		if classes > 5 {
			five = fmt.Sprintf(`"top5":%g,`, float64(60+(11*k+5*v)%37)/100)
		}
		out = append(out, fmt.Sprintf(`{"variant":%q,"linear":{"top1":%g,%s"classes":%d},"knn":%g,"probe_epochs":500,`+
			`"train_pictures":{"read":40,"of":40},"test_pictures":{"read":19,"of":20}}`,
			name, float64(20+(7*k+3*v)%31)/100, five, classes, float64(15+(5*k+11*v)%29)/100))
	}
	return "[" + strings.Join(out, ",") + "]"
}

// metricsText is a metrics.jsonl of two epochs, in the format that runs have always written.
func metricsText(k int, msr bool) (out string) {
	for e := range 2 {
		between := ""
		if msr {
			between = fmt.Sprintf(`"l_msr":%g,"meta_l_ct":%g,"meta_l_ct_fast":%g,"l_uni":%g,"grad_norm_l_ct_fast":%g,`+
				`"grad_norm_l_uni":%g,"gamma":2,`, 2.5-float64(k)/8, 3.25, 3.125-float64(e)/4, -1.5, 0.0625*float64(k+1), 0.25)
		}
		out += fmt.Sprintf(`{"epoch":%d,"lr":0.001,"l_to":%g,"l_ct":%g,%s"embedding_std":0.75,"effective_rank":%g,`+
			`"steps":3,"meta_steps":%d,"images_per_second":123.5,"seconds_regular":1.5,"seconds_meta":%g,`+
			`"data_wait_share":0.25}`+"\n",
			e, 4.5-float64(e)/2, 4.25-float64(k+e)/16, between, 2.5+float64(k), k, 0.5*float64(k))
	}
	return out
}

// withRuns gives each arm a run for each seed. Their files are those that earlier versions wrote.
func withRuns(t *testing.T, arms []arm, seeds, classes int, variants ...string) []arm {
	t.Helper()
	for i := range arms {
		for seed := range seeds {
			k := 3*i + 2*seed
			r := armRun{Seed: uint64(seed), folder: t.TempDir()}
			text := scoresText(k, classes, variants...)
			require.NoError(t, json.Unmarshal([]byte(text), &r.Scores))
			again, err := json.Marshal(r.Scores)
			require.NoError(t, err)
			assert.Equal(t, text, string(again), "scores.json is written as it was read")
			path := filepath.Join(r.folder, "metrics.jsonl")
			lines := metricsText(k, arms[i].config.UseMSR)
			require.NoError(t, os.WriteFile(path, []byte(lines), 0o600))
			r.Metrics, err = train.ReadMetrics(r.folder)
			require.NoError(t, err)
			for e, line := range strings.Split(strings.TrimSpace(lines), "\n") {
				again, err := json.Marshal(r.Metrics[e])
				require.NoError(t, err)
				assert.Equal(t, line, string(again), "a line of metrics.jsonl is written as it was read")
			}
			arms[i].Runs = append(arms[i].Runs, r)
		}
	}
	return arms
}

// golden compares a folder's files with the files that this program wrote before evaluators were a list.
func golden(t *testing.T, name, folder string, files ...string) {
	t.Helper()
	for _, file := range files {
		got, err := os.ReadFile(filepath.Join(folder, file))
		require.NoError(t, err)
		want := filepath.Join("testdata", "golden", name+"-"+file)
		if os.Getenv("GOLDEN") != "" {
			require.NoError(t, os.WriteFile(want, got, 0o600))
		}
		known, err := os.ReadFile(want)
		require.NoError(t, err)
		if !bytes.Equal(known, got) {
			require.NoError(t, os.WriteFile(want+".got", got, 0o600))
		}
		assert.True(t, bytes.Equal(known, got), "%s is not %s: see %[2]s.got", file, want)
	}
}

// study returns a study without runs, in a folder of its own.
func study(t *testing.T, seeds int) Study {
	return Study{Title: "Title", Folder: t.TempDir(), Seeds: seeds, ProbeEpochs: 500, Tables: io.Discard, Log: io.Discard,
		Baseline: true}
}

// Tables and pages of the linear probe and of nearest neighbours stay the same, byte for byte.
func TestTablesAndPagesStayAsTheyWere(t *testing.T) {
	shapes := train.Default()
	shapes.Data.Name = "shapes"
	withMSR := func(c train.Config, ablation string) train.Config {
		c.UseMSR, c.MSR.Ablation = true, meta.Ablation(ablation)
		return c
	}
	variants := []string{"full", "foreground", "new-background"}
	grid := func(c train.Config) []arm {
		c.Method = "simclr"
		arms := []arm{{Name: "simclr", config: c}, {Name: "simclr+MSR", config: withMSR(c, "none")},
			{Name: "simclr+MSR ones", config: withMSR(c, "ones")}}
		c.Method = "byol"
		return append(arms, arm{Name: "byol", config: c}, arm{Name: "byol+MSR", config: withMSR(c, "none"),
			Failed: []failure{{7, "why"}}})
	}
	for name, data := range map[string]string{"compare": "cifar10", "imagenet": "imagenet"} {
		c := shapes
		c.Data.Name, c.Data.Dir = data, t.TempDir()
		k := Comparison{Study: study(t, 3), Methods: []string{"simclr", "byol"}, MSR: "both", Ablations: []string{"ones"}}
		k.arms = withRuns(t, grid(c), 3, 100, "full")
		require.NoError(t, k.report(0))
		golden(t, name, k.Folder, "table.csv", "table.md", "index.html")
	}
	c := shapes
	c.Classes = "0,1,2,3"
	few := Comparison{Study: study(t, 1), Methods: []string{"simclr", "byol"}, MSR: "both", Ablations: []string{"ones"}}
	few.arms = withRuns(t, grid(c), 1, 4, variants...)
	require.NoError(t, few.report(0))
	golden(t, "few", few.Folder, "table.csv", "table.md", "index.html")

	sweep := study(t, 2)
	sweep.arms = withRuns(t, grid(shapes), 2, 10, variants...)
	require.NoError(t, sweep.report(0))
	golden(t, "sweep", sweep.Folder, "table.csv", "table.md", "index.html")

	panels := Panels{Study: study(t, 2)}
	panels.arms = withRuns(t, grid(shapes)[:3], 2, 10, variants...)
	panels.axes = []axisPoints{{axis{"lambda", []string{"0.1", "1"}}, []float64{0.1, 1}, []int{1, 2}},
		{axis{"weights", []string{"2", "6"}}, []float64{2, 6}, []int{2, 1}}}
	require.NoError(t, panels.write(0))
	golden(t, "figure5", panels.Folder, "table.csv", "table.md", "index.html")

	toy := Toy{Study: study(t, 2), Methods: []string{"simclr"}}
	toy.arms = withRuns(t, grid(shapes)[:4], 2, 10, variants...)
	require.NoError(t, toy.figure(0))
	golden(t, "toy", toy.Folder, "table.csv", "table.md", "index.html")

	demo := study(t, 3)
	demo.arms = withRuns(t, grid(shapes)[:3], 3, 10, variants...)
	doc := page.Page{Sections: []page.Section{accuracySection(demo.arms, 3), curvesSection(demo.arms)}}
	require.NoError(t, writeReport(io.Discard, demo.Folder, doc, doc.Sections[0].Tables))
	golden(t, "demo", demo.Folder, "table.csv", "table.md", "index.html")
	require.NoError(t, writeJSON(filepath.Join(demo.Folder, "demo.json"), demo.arms))
	golden(t, "demo", demo.Folder, "demo.json")
}
