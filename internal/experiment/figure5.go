package experiment

import (
	"context"
	"fmt"
	"html/template"
	"reflect"
	"slices"
	"strconv"
	"time"

	"github.com/icl-msr/icl-msr/datasets"
	"github.com/icl-msr/icl-msr/internal/page"
	"github.com/icl-msr/icl-msr/internal/usage"
)

// axisPoints is one panel of the figure: a flag, its values, and the arm of each value.
type axisPoints struct {
	axis
	numbers []float64
	arms    []int // indices of the study's arms; panels may share an arm
}

// Panels are sweeps of one flag each. The other flags keep the values that the user gave.
type Panels struct {
	Study
	Lambdas, Gammas, NumWeights []string // values of each panel; an empty list leaves its panel out
	axes                        []axisPoints
}

// Run runs MSR over the values of lambda, gamma and n, one at a time.
func (g *Panels) Run(ctx context.Context, with Configure) error {
	c, err := with()
	if err != nil {
		return err
	}
	plain, base := c, c
	plain.UseMSR, base.UseMSR = false, true
	g.arms = []arm{{Name: c.Method, config: plain}, {Name: c.Method + "+MSR", config: base}}
	for _, q := range []struct {
		setting string
		axis
	}{
		{"{experiment.Lambdas}", axis{"lambda", g.Lambdas}},
		{"{experiment.Gammas}", axis{"gamma", g.Gammas}},
		{"{experiment.NumWeights}", axis{"weights", g.NumWeights}},
	} {
		if err := g.add(q.setting, q.axis, with); err != nil {
			return err
		}
	}
	if len(g.axes) == 0 {
		return usage.Errorf("{experiment.Lambdas}, {experiment.Gammas} and {experiment.NumWeights}: all are empty, " +
			"so that there is nothing to draw")
	}
	g.Baseline, g.Title = true, fmt.Sprintf("%s+MSR over lambda, gamma and n, as in the paper's Figure 5", c.Method)
	return g.run(ctx, g.write)
}

// add adds a panel. Panels share the arm of the given settings, so that it is run once. setting names the axis in
// errors.
func (g *Panels) add(setting string, a axis, with Configure) error {
	if len(a.values) == 0 {
		return nil
	}
	points := axisPoints{axis: a}
	for i, v := range a.values {
		x, err := strconv.ParseFloat(v, 64)
		if logarithmic := a.flag != "weights"; err != nil || logarithmic && !(x > 0) {
			return usage.Errorf(setting+" %s: want numbers above 0", v)
		}
		if slices.Contains(a.values[:i], v) {
			return usage.Errorf(setting+": %s twice", v)
		}
		point, err := pointArm(with, []axis{a}, []string{v})
		if err != nil {
			return err
		}
		points.numbers, points.arms = append(points.numbers, x), append(points.arms, g.place(point))
	}
	g.axes = append(g.axes, points)
	return nil
}

// place returns the index of the arm with these settings. It adds the arm if there is none.
func (g *Panels) place(a arm) int {
	same := func(b arm) bool { return reflect.DeepEqual(a.config, b.config) }
	if i := slices.IndexFunc(g.arms, same); i >= 0 {
		return i
	}
	g.arms = append(g.arms, a)
	return len(g.arms) - 1
}

func (g *Panels) write(took time.Duration) error {
	c := g.arms[1].config
	doc := page.Page{Title: g.Title, Settings: settings(g.arms, g.Seeds, took), Lead: []string{
		fmt.Sprintf("Here: %s. One of the three changes at a time; the others stay at lambda %g, gamma %g, n %d.",
			networkHere(g.arms), c.MSR.Lambda, c.MSR.Gamma, c.MSR.NumWeights),
		"Curves: the mean, a whisker of one standard deviation to each side, a dot for each seed. " +
			"Dashed: the method without MSR."}}
	var tables []page.Table
	for _, points := range g.axes {
		sec := page.Section{Title: points.label(),
			Text: figures(g.Seeds) + " The difference is to the method without MSR. " + chance(g.Seeds) +
				contrastText([]string{c.Method})}
		for v, shown := range variants(g.arms) {
			what := fmt.Sprintf("%s, test pictures: %s", points.label(), shown)
			sec.Tables = append(sec.Tables, g.panel(points).table(v, caption(what, g.Seeds)))
			sec.Charts = append(sec.Charts, g.curves(points, v, shown))
		}
		doc.Sections, tables = append(doc.Sections, sec), append(tables, sec.Tables...)
	}
	return writeReport(g.Tables, g.Folder, doc, tables)
}

// label returns the paper's name for the axis.
func (a axisPoints) label() string {
	if a.flag == "weights" {
		return "n"
	}
	return a.flag
}

// panel is a study of one axis alone, beside the method without MSR.
func (g *Panels) panel(points axisPoints) *Study {
	one := g.Study
	one.arms = []arm{g.arms[0]}
	for k, i := range points.arms {
		a := g.arms[i]
		a.Name = points.label() + " " + points.values[k]
		one.arms = append(one.arms, a)
	}
	return &one
}

// curves draws one chart for each unit of measures.
func (g *Panels) curves(points axisPoints, variant int, shown datasets.Variant) (out template.HTML) {
	title := fmt.Sprintf("%s, tested on %s", points.label(), shown)
	for _, together := range byAxis(measures()) {
		out += g.curvesOf(title, points, variant, together)
	}
	return out
}

// curvesOf draws the measures of one unit.
func (g *Panels) curvesOf(title string, points axisPoints, variant int, by ofAxis) template.HTML {
	var curves []page.Curve
	var levels []page.Band
	for k, m := range by.measures {
		c := page.Curve{Group: m.name, Colour: k, X: points.numbers}
		for _, i := range points.arms {
			c.Y = append(c.Y, g.arms[i].values(variant, m))
		}
		curves = append(curves, c)
		without := page.Band{Group: m.name + " without MSR", Colour: k + len(by.measures), Y: g.arms[0].values(variant, m)}
		levels = append(levels, without)
	}
	return page.Curves(title, points.label(), by.axis, curves, levels, points.flag != "weights")
}
