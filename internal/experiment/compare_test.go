package experiment

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/icl-msr/icl-msr/datasets"
	"github.com/icl-msr/icl-msr/eval"
	"github.com/icl-msr/icl-msr/methods"
	"github.com/icl-msr/icl-msr/train"
)

func TestThePapersFiguresStandBesideOurs(t *testing.T) {
	grid := []row{{method: "byol", plain: &arm{}}, {method: "moco", plain: &arm{}}}
	for _, r := range grid {
		r.plain.Runs = []armRun{{Scores: []train.Score{{Figures: []eval.Figure{{Evaluator: "knn", Value: 0.5}}}}}}
	}
	tiny := train.Config{Data: datasets.Options{Name: "tiny_imagenet"}}
	rows := table(grid, 0, "all", measuresFor(tiny), paperTable(tiny).rows).Rows
	assert.Equal(t, []string{"51.00, 36.24", "52.54, 37.54"}, rows[0][7:])
	assert.Equal(t, []string{"", ""}, rows[1][7:])
	folder := train.Config{Data: datasets.Options{Name: "folder"}}
	assert.Len(t, table(grid, 0, "all", measuresFor(folder), paperTable(folder).rows).Rows[0], 7)
	imagenet := train.Config{Data: datasets.Options{Name: "imagenet"}, Classes: "list.txt"}
	head := table(grid, 0, "all", measuresFor(imagenet), paperTable(imagenet).rows).Head
	assert.Equal(t, []string{"method", "top-1", "with MSR", "difference", "top-5", "with MSR", "difference",
		"paper: top-1, top-5", "with MSR"}, head)
}

// W-MSE with two views is a row of its own, with the flags that select its recipe.
func TestAMethodMayHaveTwoRows(t *testing.T) {
	var asked [][]string
	with := func(flags ...string) (train.Config, error) {
		asked = append(asked, flags)
		c := train.Default()
		c.Method = flags[1]
		return c, nil
	}
	k := Comparison{Methods: []string{"w_mse", methods.WMSE2, "byol"}, Ablations: []string{"ones"}}
	for _, name := range k.Methods {
		c, err := with(methodFlags(name)...)
		require.NoError(t, err)
		require.NoError(t, k.add(name, c, []bool{false, true}))
	}
	assert.Equal(t, [][]string{{"--method", "w_mse"}, {"--method", "w_mse", "--method-option", "views=2"},
		{"--method", "byol"}}, asked)
	var rows []string
	for _, r := range gridOf(k.arms) {
		rows = append(rows, r.method)
		assert.Equal(t, r.method, r.plain.Name)
		assert.Equal(t, r.method+"+MSR", r.msr.Name)
		assert.Len(t, r.ablated, 1)
	}
	assert.Equal(t, k.Methods, rows)
	assert.Contains(t, contrastText(k.Methods), "(here w_mse, w_mse2, byol)")
}
