package experiment

import (
	"fmt"
	"slices"
	"strings"

	"github.com/icl-msr/icl-msr/internal/field"
	"github.com/icl-msr/icl-msr/internal/page"
	"github.com/icl-msr/icl-msr/internal/usage"
	"github.com/icl-msr/icl-msr/meta"
	"github.com/icl-msr/icl-msr/methods"
	"github.com/icl-msr/icl-msr/train"
)

// ablated returns a configuration of MSR for each named ablation. An ablation takes a part of MSR away.
func ablated(c train.Config, names []string) (out []train.Config, err error) {
	for i, name := range names {
		if name == "" || name == string(meta.NoAblation) {
			continue
		}
		if slices.Contains(names[:i], name) {
			return nil, usage.Errorf("{experiment.Ablations} names %s twice", name)
		}
		c.UseMSR, c.MSR.Ablation = true, meta.Ablation(name)
		m := c.Meta()
		if err := m.Validate(); err != nil {
			return nil, usage.Errorf("{experiment.Ablations}: %s", withoutName(err))
		}
		out = append(out, c)
	}
	return out, nil
}

// withoutName returns the message of an error about an ablation without the setting's name, because the caller writes
// the name of its own setting before it.
func withoutName(err error) string {
	const mark = "{}"
	text := field.Text(err, func(string) string { return mark })
	return strings.ReplaceAll(text, mark+" ", "")
}

// ablationTable compares MSR with its ablations. Each pair of a method and an ablation has a row.
func ablationTable(grid []row, variant, seeds int, what string, by []measure) page.Table {
	t := page.Table{Caption: caption(what+"; MSR against its ablations", seeds), Head: []string{"method", "baseline"}}
	for _, m := range by {
		t.Head = append(t.Head, m.name+" of it", "with MSR", "difference")
	}
	var q primary
	var reasons []string
	for _, r := range grid {
		_, msr := r.arms()
		for i := range r.ablated {
			a := &r.ablated[i]
			cells := []string{r.method, baselineName(a.config)}
			for k, m := range by {
				d := paired(*a, msr, variant, m)
				if cells = append(cells, a.cell(variant, m), msr.cell(variant, m), d.String()); k == 0 {
					q.add(len(t.Rows), len(cells)-1, d)
				}
			}
			t.Rows, reasons = append(t.Rows, cells), append(reasons, why(*a, msr))
		}
	}
	q.into(&t)
	return withReasons(t, reasons)
}

// baselineName describes a method with this ablation.
func baselineName(c train.Config) string {
	if c.MSR.Ablation == meta.Ones {
		return fmt.Sprintf("ones: %s + %g NT-Xent", c.Method, c.MSR.Lambda)
	}
	return string(c.MSR.Ablation)
}

// contrastText warns about each method without negatives: MSR gives such a method a contrastive term.
func contrastText(compared []string) string {
	var names []string
	for _, m := range compared {
		if slices.Contains(methods.WithoutNegatives(), methods.MethodOf(m)) {
			names = append(names, m)
		}
	}
	if len(names) == 0 {
		return ""
	}
	return fmt.Sprintf(" L_msr adds a contrastive term to methods without negatives (here %s): "+
		"their difference is MSR's only against the method + NT-Xent.", strings.Join(names, ", "))
}

// contrastText adds to the warning how the baseline that answers it is run.
func (k *Comparison) contrastText() string {
	text := contrastText(k.Methods)
	switch {
	case text == "" || k.MSR == "off":
		return ""
	case slices.Contains(k.Ablations, string(meta.Ones)):
		return text + " Its rows are named \"ones\"."
	}
	return text + " --ablations ones runs that beside."
}
