package experiment

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/icl-msr/icl-msr/datasets"
	"github.com/icl-msr/icl-msr/internal/page"
	"github.com/icl-msr/icl-msr/internal/suggest"
	"github.com/icl-msr/icl-msr/internal/usage"
)

// Toy is the paper's experiment of Figures 1 and 4.
type Toy struct {
	Study
	Methods []string
	Probe   string // variant of the pictures that the probes are trained on; "": each network's own
}

// Run trains and tests each method, without and with MSR, on full pictures and on their foreground.
func (g *Toy) Run(ctx context.Context, with Configure) error {
	if len(g.Methods) == 0 {
		return usage.Errorf("{experiment.Methods} names none")
	}
	for _, name := range g.Methods {
		for _, shown := range trainedOn() {
			for _, msr := range []bool{false, true} {
				c, err := with(methodFlags(name)...)
				if err != nil {
					return err
				}
				c.UseMSR, c.Variant = msr, string(shown)
				a := arm{Name: fmt.Sprintf("%s, %s", name, shown), config: c, probe: g.Probe}
				if msr {
					a.Name = fmt.Sprintf("%s+MSR, %s", name, shown)
				}
				g.arms = append(g.arms, a)
			}
		}
	}
	if err := g.checkProbe(); err != nil {
		return err
	}
	return g.run(ctx, g.figure)
}

// checkProbe returns an error if the data set does not have the probe's variant.
func (g *Toy) checkProbe() error {
	if g.Probe == "" {
		return nil
	}
	ds, err := g.arms[0].config.OpenPart(false, false)
	if err != nil {
		return err
	}
	defer datasets.Close(ds)
	known := []string{string(datasets.Full)}
	if foreground, ok := ds.(datasets.Foreground); ok {
		known = nil
		for _, v := range datasets.Variants(foreground) {
			known = append(known, string(v))
		}
	}
	if slices.Contains(known, g.Probe) {
		return nil
	}
	return usage.Wrap(suggest.Unknown("{experiment.Probe}", g.Probe, known))
}

// probedOn names the training pictures of the probes.
func (g *Toy) probedOn() string {
	if g.Probe == "" {
		return "the pictures that its network was trained on"
	}
	return g.Probe + " pictures"
}

// trainedOn lists the variants of the training pictures.
func trainedOn() []datasets.Variant {
	return []datasets.Variant{datasets.Full, datasets.ForegroundOnly}
}

// figure writes the tables and charts of the four settings of each method.
func (g *Toy) figure(took time.Duration) error {
	place := map[datasets.Variant]int{}
	for v, shown := range variants(g.arms) {
		place[shown] = v
	}
	sec := page.Section{Title: "Four settings",
		Text: figures(g.Seeds) + " The difference is MSR's. " + chance(g.Seeds) + contrastText(g.Methods)}
	for _, by := range measures() {
		t := page.Table{Caption: caption(by.title, g.Seeds), Head: []string{"trained on, tested on"}}
		for _, name := range g.Methods {
			t.Head = append(t.Head, name, name+"+MSR", "difference")
		}
		var q primary
		var columns, reasons []string
		dots := map[string][]page.Series{}
		for k, train := range trainedOn() {
			for _, test := range trainedOn() {
				setting := fmt.Sprintf("%s, %s", train, test)
				columns = append(columns, setting)
				row, used := []string{setting}, []arm{}
				for m, name := range g.Methods {
					// Run appends the arms of a method in this order: each of two variants, first without and then with MSR.
					plain, msr := g.arms[4*m+2*k], g.arms[4*m+2*k+1]
					v := place[test]
					row = append(row, plain.cell(v, by), msr.cell(v, by), "")
					q.add(len(t.Rows), len(row)-1, paired(plain, msr, v, by))
					used = append(used, plain, msr)
					dots[setting] = append(dots[setting],
						page.Series{Group: name, Colour: (2 * m) % page.Colours, Y: plain.values(v, by)},
						page.Series{Group: name + "+MSR", Colour: (2*m + 1) % page.Colours, Y: msr.values(v, by)})
				}
				reasons = append(reasons, why(used...))
				t.Rows = append(t.Rows, row)
			}
		}
		q.into(&t)
		sec.Tables = append(sec.Tables, withReasons(t, reasons))
		sec.Charts = append(sec.Charts, page.Dots(by.title, by.axis, columns, dots))
	}
	doc := page.Page{Title: "Training and testing on full pictures and on their foreground",
		Lead: []string{"The paper's toy experiment (its Figures 1 and 4): what a network learns from backgrounds " +
			"shows where it is tested without them. Each probe is trained on " + g.probedOn() + "."},
		Sections: []page.Section{sec, curvesSection(g.arms)}, Settings: settings(g.arms, g.Seeds, took)}
	return writeReport(g.Tables, g.Folder, doc, sec.Tables)
}
