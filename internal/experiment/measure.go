package experiment

import (
	"strings"

	"github.com/icl-msr/icl-msr/eval"
	"github.com/icl-msr/icl-msr/train"
)

// measure is a figure by which arms are compared.
type measure struct {
	name  string // in heads of tables
	title string // in captions
	axis  string // of charts
	key   string // eval.Figure.Key
	scale float64
}

// of returns the measure of a score. Shares are in percent.
func (m measure) of(s train.Score) float64 { return m.scale * s.Value(m.key) }

func measureOf(f eval.Figure) measure {
	m := measure{name: f.Heading(), title: f.Caption(), axis: f.Heading(), key: f.Key(), scale: 1}
	if f.Share {
		m.axis, m.scale = "top-1 (%)", 100
	}
	return m
}

// unit names the unit of a table's numbers.
func (m measure) unit() string {
	if m.scale == 100 {
		return "top-1 in percent"
	}
	return m.name
}

// capital returns s with a capital first letter.
func capital(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

// measures lists the main figures of all evaluators.
func measures() (out []measure) {
	for _, f := range train.DefaultEval().Evaluators.Main() {
		out = append(out, measureOf(f))
	}
	return out
}

// measuresFor lists the measures of tables like the paper's. On ImageNet the paper reports top-1 and top-5 of the
// linear probe, and no nearest neighbours.
func measuresFor(c train.Config) (out []measure) {
	if c.Data.Name != "imagenet" {
		return measures()
	}
	var linear eval.LinearConfig
	var neighbours eval.KNNConfig
	for _, f := range train.DefaultEval().Evaluators.Figures() {
		if f.Evaluator == linear.Name() && f.Title != "" {
			m := measureOf(f)
			m.name = map[string]string{"top1": "top-1", "top5": "top-5"}[f.Name]
			out = append(out, m)
		}
	}
	for _, f := range train.DefaultEval().Evaluators.Main() {
		if f.Evaluator != linear.Name() && f.Evaluator != neighbours.Name() {
			out = append(out, measureOf(f))
		}
	}
	return out
}

// ofAxis holds the measures that share a chart's axis.
type ofAxis struct {
	axis     string
	measures []measure
}

// byAxis groups adjacent measures of one axis.
func byAxis(all []measure) (out []ofAxis) {
	for _, m := range all {
		if n := len(out); n > 0 && out[n-1].axis == m.axis {
			out[n-1].measures = append(out[n-1].measures, m)
			continue
		}
		out = append(out, ofAxis{m.axis, []measure{m}})
	}
	return out
}
