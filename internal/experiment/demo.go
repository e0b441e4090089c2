package experiment

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/icl-msr/icl-msr/internal/atomicfile"
	"github.com/icl-msr/icl-msr/train"
)

// Demo compares SimCLR with SimCLR+MSR. Its page also shows pictures.
type Demo struct{ Study }

// Run runs c without MSR, with MSR and with the ablations.
func (g *Demo) Run(ctx context.Context, c train.Config, ablations []string) (err error) {
	if g.arms, err = demoArms(c, ablations); err != nil {
		return err
	}
	return g.run(ctx, func(took time.Duration) error { return g.write(ctx, took) })
}

// write writes the page, and prints its tables.
func (g *Demo) write(ctx context.Context, took time.Duration) error {
	if err := writeJSON(filepath.Join(g.Folder, "demo.json"), g.arms); err != nil {
		return err
	}
	doc, err := demoPage(ctx, g.arms, g.Seeds, took)
	if err != nil {
		return err
	}
	path := filepath.Join(g.Folder, "index.html")
	if err := atomicfile.Write(path, doc.Write); err != nil {
		return err
	}
	for _, t := range doc.Sections[0].Tables {
		fmt.Fprintf(g.Tables, "\n%s\n", t.Caption)
		w := tabwriter.NewWriter(g.Tables, 0, 0, 2, ' ', 0)
		for _, row := range append([][]string{t.Head}, t.Rows...) {
			fmt.Fprintf(w, "  %s\n", strings.Join(row, "\t"))
		}
		if err := w.Flush(); err != nil {
			return err
		}
	}
	fmt.Fprintf(g.Tables, "\n%s in %s: %s\n", "done", train.Seconds(took), path)
	return nil
}

// demoArms returns SimCLR, SimCLR+MSR, and the named ablations.
func demoArms(c train.Config, ablations []string) ([]arm, error) {
	arms := []arm{{Name: "SimCLR", config: c}}
	c.UseMSR = true
	arms = append(arms, arm{Name: "SimCLR+MSR", config: c})
	cs, err := ablated(c, ablations)
	for _, d := range cs {
		arms = append(arms, arm{Name: "MSR, " + string(d.MSR.Ablation), config: d})
	}
	return arms, err
}
