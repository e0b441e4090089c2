package main

import (
	"context"
	"time"

	"github.com/icl-msr/icl-msr/internal/page"
)

// labelStudy is the paper's Table 4: what is trained is fine-tuned with shares of
// the labels.
type labelStudy struct {
	comparison
	tune       fineTuneOptions
	supervised bool
}

// semi trains the methods, and fine-tunes them.
func (k *labelStudy) semi(ctx context.Context, with configure) error {
	if err := distinct(k.methods); err != nil {
		return err
	}
	for _, name := range k.methods {
		c, err := with("--method", name)
		if err != nil {
			return err
		}
		if err := k.add(name, c, []bool{false, true}); err != nil {
			return err
		}
	}
	start := time.Now()
	return k.run(ctx, func() error { return k.write(ctx, start) })
}

// write fine-tunes all runs, and writes the tables and the page.
func (k *labelStudy) write(ctx context.Context, start time.Time) error {
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
			Text: figures(k.seeds) + " " + chance(k.seeds) + k.contrastText()}},
		Settings: append(settings(k.arms, k.seeds, time.Since(start)), k.recipe(rows))}
	return writeReport(k.tables, k.folder, doc, tables)
}
