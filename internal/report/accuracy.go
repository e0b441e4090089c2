package report

import (
	"fmt"
	"math"
	"slices"
)

// Score is one accuracy measured.
type Score struct {
	Method  string // the first method of an Accuracy is the baseline
	Probe   string // such as "linear probe" or "5-NN"
	Setting string // such as "full", "foreground only", "new background"
	Seed    uint64
	Percent float64
}

// Accuracy is a list of scores in any number of methods, probes, settings and
// seeds; tables and charts keep the order in which each first appears.
type Accuracy []Score

func (a Accuracy) names(of func(Score) string) []string {
	var names []string
	for _, s := range a {
		if name := of(s); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// Methods lists the methods, the baseline first.
func (a Accuracy) Methods() []string { return a.names(func(s Score) string { return s.Method }) }

// Probes lists the probes.
func (a Accuracy) Probes() []string { return a.names(func(s Score) string { return s.Probe }) }

// Settings lists the settings.
func (a Accuracy) Settings() []string { return a.names(func(s Score) string { return s.Setting }) }

// Seeds lists the seeds in rising order.
func (a Accuracy) Seeds() []uint64 {
	var seeds []uint64
	for _, s := range a {
		if !slices.Contains(seeds, s.Seed) {
			seeds = append(seeds, s.Seed)
		}
	}
	slices.Sort(seeds)
	return seeds
}

// bySeed returns a cell's scores along Seeds, NaN where one was not measured.
func (a Accuracy) bySeed(method, probe, setting string) []float64 {
	seeds := a.Seeds()
	values := make([]float64, len(seeds))
	for i := range values {
		values[i] = math.NaN()
	}
	for _, s := range a {
		if s.Method == method && s.Probe == probe && s.Setting == setting {
			values[slices.Index(seeds, s.Seed)] = s.Percent
		}
	}
	return values
}

// Values returns a cell's scores, in percent, in the order of the seeds.
func (a Accuracy) Values(method, probe, setting string) []float64 {
	return slices.DeleteFunc(a.bySeed(method, probe, setting), func(v float64) bool { return math.IsNaN(v) })
}

// Cell returns "65.8 ± 0.8": mean and standard deviation over the seeds.
func (a Accuracy) Cell(method, probe, setting string) string {
	v := a.Values(method, probe, setting)
	switch len(v) {
	case 0:
		return "–"
	case 1:
		return fmt.Sprintf("%.1f", v[0])
	}
	return fmt.Sprintf("%.1f ± %.1f", Mean(v), SD(v))
}

// Comparison is a method's paired difference to the baseline, in percentage
// points.
type Comparison struct {
	Method, Baseline, Probe, Setting string
	Paired
}

// Comparisons lists every method's differences to the baseline: by probe, then
// setting, then method.
func (a Accuracy) Comparisons() []Comparison {
	methods := a.Methods()
	var list []Comparison
	for _, probe := range a.Probes() {
		for _, setting := range a.Settings() {
			for i, m := range methods {
				if i == 0 {
					continue
				}
				p := Pair(a.bySeed(methods[0], probe, setting), a.bySeed(m, probe, setting))
				if p.N() > 0 {
					list = append(list, Comparison{m, methods[0], probe, setting, p})
				}
			}
		}
	}
	return list
}

// Difference returns "+0.4 ± 0.9": mean and standard error.
func (c Comparison) Difference() string {
	if c.N() < 2 {
		return signed(c.Mean)
	}
	return fmt.Sprintf("%s ± %.1f", signed(c.Mean), c.SE)
}

// signed writes a number with its sign; a true minus, and no sign before zero.
func signed(v float64) string {
	text := fmt.Sprintf("%.1f", math.Abs(v))
	switch {
	case text == "0.0":
		return text
	case v < 0:
		return "−" + text
	}
	return "+" + text
}

// enoughSeeds is the number of paired seeds below which no claim is made.
const enoughSeeds = 10

// Reading says what a difference shows, and no more.
func (c Comparison) Reading() string {
	direction := "higher"
	if c.Mean < 0 {
		direction = "lower"
	}
	switch {
	case c.N() < 2:
		return "one seed: nothing can be told from chance"
	case !c.Beyond():
		return "no effect can be told from chance"
	case c.N() < enoughSeeds:
		return fmt.Sprintf("%s by two standard errors or more, on too few seeds (%d; %d or more for a claim)", direction, c.N(), enoughSeeds)
	}
	return direction + " by two standard errors or more"
}

// Sentence is the comparison in words.
func (c Comparison) Sentence() string {
	seeds := "paired seeds"
	if c.N() == 1 {
		seeds = "paired seed"
	}
	return fmt.Sprintf("%s, %s: %s’s paired difference to %s is %s points (%d %s): %s.",
		c.Probe, c.Setting, c.Method, c.Baseline, c.Difference(), c.N(), seeds, c.Reading())
}

// Caution says how many of the comparisons would pass two standard errors by
// chance alone.
func Caution(list []Comparison) string {
	beyond, expected := 0, 0.0
	for _, c := range list {
		expected += ChanceBeyond(c.N())
		if c.Beyond() {
			beyond++
		}
	}
	if expected == 0 {
		return ""
	}
	return fmt.Sprintf("Of %d comparisons, %d are two standard errors or more from zero; %.1f would be expected by chance if no method had any effect.", len(list), beyond, expected)
}
