package experiment

import (
	"fmt"
	"html/template"
	"strings"
	"time"

	"github.com/icl-msr/icl-msr/internal/page"
)

// report writes the tables and the page.
func (g *Background) report(took time.Duration) error {
	tables := []page.Table{
		g.table("what the study is about", "foreground share", "gap"),
		g.table("accuracy on new backgrounds", "new background, decorrelated probe", "new background, 5-NN"),
		g.accuracies(),
	}
	sec := page.Section{
		Title: "Backgrounds",
		Text: "Percent: mean ± standard deviation over pairs [95 % interval by Student's t]. The gap is the accuracy of a " +
			"linear probe on full pictures minus that on new backgrounds, in points. Differences are to " + g.arms[0].Name +
			", paired by seed. Gray pictures are another distribution, and no test of backgrounds alone. " + g.ruleText(),
		Tables: tables,
	}
	sec.Charts = append(sec.Charts,
		g.bars("foreground share (bars: 95 % intervals)", "percent", nil, "foreground share"),
		g.bars("the gap (bars: 95 % intervals)", "points", nil, "gap"),
		g.bars("accuracy (bars: 95 % intervals)", "top-1 (%)", g.bound(), "full", "new background",
			"new background, decorrelated probe"))
	doc := page.Page{
		Title: "How much networks lean on backgrounds",
		Lead: []string{"Here: " + networkHere(g.arms) + ". The plan of the study, its outcomes and its rule were written " +
			"before its numbers (docs/background.md). " + g.controlText()},
		Sections: []page.Section{sec, curvesSection(g.arms)},
		Settings: settings(g.arms, g.Seeds, took),
	}
	return writeReport(g.Tables, g.Folder, doc, tables)
}

// ruleText describes the sequential rule and its decision about each arm.
func (g *Background) ruleText() string {
	var says []string
	for i := 1; i < len(g.arms); i++ {
		pairs, _ := g.pairs(i, outcome{of: gap})
		says = append(says, fmt.Sprintf("%s after %s: %s", g.arms[i].Name, counted(len(pairs), "pair"), g.decision(i)))
	}
	at := looks(g.Seeds)
	if len(at) == 0 {
		return fmt.Sprintf("With fewer than %d pairs the study decides nothing.", firstLook)
	}
	pairs := strings.Join(strings.Fields(strings.Trim(fmt.Sprint(at), "[]")), ", ")
	return fmt.Sprintf("An arm is looked at after %s pairs, at confidence 1 - 0.05/%d; it ends when its difference "+
		"in the gap excludes 0, or lies within %g point. %s.", pairs, len(at), margin, strings.Join(says, "; "))
}

// controlText says whether the positive control shows that the experiment can detect an effect.
func (g *Background) controlText() string {
	for i, a := range g.arms {
		if a.Name != oracleArm {
			continue
		}
		if g.decision(i) == differs {
			return "The positive control, true masks, changes the gap: the experiment can see an effect."
		}
		return "The positive control, true masks, has not changed the gap so far: of the other arms nothing follows."
	}
	return "There is no positive control: that an arm changes nothing may be due to the experiment."
}

// table lists the arms' outcomes and their differences to the method. Only the first outcome is primary, so only its
// p-values are corrected.
func (g *Background) table(what string, names ...string) page.Table {
	t := page.Table{Caption: caption(what, g.Seeds), Head: []string{""}}
	for _, name := range names {
		t.Head = append(t.Head, name, "difference")
	}
	var q primary
	var reasons []string
	for i, a := range g.arms {
		cells := []string{a.Name}
		for k, name := range names {
			o := outcomeNamed(name)
			cells = append(cells, spread(g.values(i, o), len(a.Failed)), "")
			if i == 0 {
				continue
			}
			d := page.Pair(g.pairs(i, o))
			if cells[len(cells)-1] = d.String(); k == 0 {
				q.add(i, len(cells)-1, d)
			}
		}
		t.Rows, reasons = append(t.Rows, cells), append(reasons, why(a))
	}
	q.into(&t)
	return withReasons(t, reasons)
}

// accuracies is the table of the probe that was fitted on full pictures.
func (g *Background) accuracies() page.Table {
	names := []string{"full", "new background", "gray"}
	t := page.Table{Caption: caption("accuracy of the probe fitted on full pictures", g.Seeds),
		Head: append([]string{""}, names...)}
	for i, a := range g.arms {
		cells := []string{a.Name}
		for _, name := range names {
			cells = append(cells, spread(g.values(i, outcomeNamed(name)), len(a.Failed)))
		}
		t.Rows = append(t.Rows, cells)
	}
	for _, l := range g.bound() {
		t.Rows = append(t.Rows, []string{l.Name, fmt.Sprintf("%.1f", l.Value), "", ""})
	}
	return t
}

// bound returns the accuracy of a classifier that sees only the background, averaged over the data of the method's
// runs.
func (g *Background) bound() []page.Level {
	var all []float64
	for _, r := range g.found[0] {
		all = append(all, 100*r.score.Bound)
	}
	if len(all) == 0 {
		return nil
	}
	return []page.Level{{Name: "background alone", Value: page.Mean(all)}}
}

// bars draws a bar for each arm and outcome.
func (g *Background) bars(title, unit string, levels []page.Level, names ...string) template.HTML {
	var columns []string
	values := map[string][]page.Series{}
	for i, a := range g.arms {
		columns = append(columns, a.Name)
		for k, name := range names {
			values[a.Name] = append(values[a.Name], page.Series{Group: name, Colour: k, Y: g.values(i, outcomeNamed(name))})
		}
	}
	return page.Bars(title, unit, columns, values, levels...)
}
