package experiment

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/icl-msr/icl-msr/datasets"
	"github.com/icl-msr/icl-msr/eval"
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
