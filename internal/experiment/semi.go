package experiment

import (
	"context"
	"time"

	"github.com/icl-msr/icl-msr/internal/page"
	"github.com/icl-msr/icl-msr/train"
)

// LabelStudy is the paper's Table 4: fine-tuning of the trained networks with shares of the labels.
type LabelStudy struct {
	Comparison
	Tune       train.FineTuneOptions
	Supervised bool
}

// Run trains the methods and fine-tunes them.
func (k *LabelStudy) Run(ctx context.Context, with Configure) error {
	if err := distinct(k.Methods); err != nil {
		return err
	}
	if err := k.addMethods(with, []bool{false, true}); err != nil {
		return err
	}
	return k.run(ctx, func(took time.Duration) error { return k.write(ctx, took) })
}

// write fine-tunes all runs, and writes the tables and the page.
func (k *LabelStudy) write(ctx context.Context, took time.Duration) error {
	start := time.Now()
	rows, err := k.fineTuned(ctx)
	if err != nil {
		return err
	}
	grid := gridOf(k.arms)
	tables := []page.Table{k.accuracies(rows), k.differences(grid, rows)}
	doc := page.Page{Title: "Fine-tuning with a share of the labels",
		Lead: []string{"Here: " + networkHere(k.arms) +
			". The paper's figures (its Table 4) are of ResNet-50 on ImageNet, with n = 14."},
		Sections: []page.Section{{Title: "Accuracy", Tables: tables,
			Text: figures(k.Seeds) + " " + chance(k.Seeds) + k.contrastText()}},
		Settings: append(settings(k.arms, k.Seeds, took+time.Since(start)), k.recipe(rows))}
	return writeReport(k.Tables, k.Folder, doc, tables)
}
