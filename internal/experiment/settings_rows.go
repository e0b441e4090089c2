package experiment

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/icl-msr/icl-msr/train"
)

// settings lists how the runs were made. Where arms differ, it lists each arm's value.
func settings(arms []arm, seeds int, took time.Duration) (out [][2]string) {
	for _, q := range []struct {
		name string
		of   func(train.Config) string
	}{
		{"network", networkText},
		{"data", dataText},
		{"training", trainingText},
		{"loss", lossText},
		{"MSR", msrText},
		{"interventions", interveneText},
	} {
		out = append(out, perArm(q.name, arms, q.of)...)
	}
	return append(out, [2]string{"seeds", fmt.Sprint(seeds)}, [2]string{"time of this call", train.Seconds(took)})
}

func networkText(c train.Config) string {
	return fmt.Sprintf("%s, width %g; head %d to %d", c.Arch, c.Width, c.MethodConfig.Hidden, c.MethodConfig.Dim)
}

// optionsText lists NAME=VALUE pairs in the order of their names.
func optionsText(options map[string]float64) string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(options)) {
		out = append(out, fmt.Sprintf("%s=%g", name, options[name]))
	}
	return strings.Join(out, " ")
}

// withOptions appends options to a text, after a word. It leaves the text alone if there are none.
func withOptions(text, word string, options map[string]float64) string {
	if len(options) == 0 {
		return text
	}
	return text + word + ": " + optionsText(options)
}

func dataText(c train.Config) string {
	text := c.Data.Name
	if c.Classes != "" {
		text += ", classes " + c.Classes
	}
	text += fmt.Sprintf(", %d pixels, trained on %s pictures, augmentation %s", c.Size, c.Variant, c.Augment)
	return withOptions(text, "", c.AugmentOptions)
}

func trainingText(c train.Config) string {
	text := fmt.Sprintf("%s of batch %d, %s, rate %g, weight decay %g, %s, %s of warm-up",
		counted(c.Schedule.Epochs, "epoch"), c.BatchSize, c.Optimizer.Name, c.Rate(), c.Optimizer.WeightDecay,
		c.Schedule.Kind, counted(c.Schedule.Warmup, "step"))
	if c.Optimizer.Name != "adam" {
		text += fmt.Sprintf(", momentum %g", c.Optimizer.Momentum)
	}
	if c.Schedule.Kind == "step" {
		text += fmt.Sprintf(", times %g at %v epochs before the end", c.Schedule.Gamma, c.Schedule.Drops)
	}
	if c.MicroBatch > 0 {
		text += fmt.Sprintf(", micro-batches of %d", c.MicroBatch)
	}
	return text
}

// lossText lists the method's constants. It leaves out a constant that is 0, since the method's own value holds then.
func lossText(c train.Config) string {
	o := c.MethodConfig
	text := fmt.Sprintf("tau %g", o.Temperature)
	if o.Momentum > 0 {
		text += fmt.Sprintf(", target from %g", o.Momentum)
	}
	if o.Queue > 0 {
		text += fmt.Sprintf(", queue of %d", o.Queue)
	}
	if len(o.Prototypes) > 0 {
		text += fmt.Sprintf(", prototypes %v", o.Prototypes)
	}
	return withOptions(text, ", options", o.Options)
}

// msrText is empty without MSR, because its constants have no effect then.
func msrText(c train.Config) string {
	if !c.UseMSR {
		return ""
	}
	text := fmt.Sprintf("lambda %g, gamma %g, n %d, alpha %g, beta %g, %s, meta step on %s",
		c.MSR.Lambda, c.MSR.Gamma, c.MSR.NumWeights, c.Meta().Alpha, c.MSR.Beta, c.MSR.Space, metaSteps(c.MSR.Every))
	if m := c.Meta(); !m.Trains() {
		text = fmt.Sprintf("lambda %g, n %d, %s, no meta step", c.MSR.Lambda, c.MSR.NumWeights, c.MSR.Space)
	}
	if c.MSR.Ablation != train.Default().MSR.Ablation {
		text += ", ablation " + string(c.MSR.Ablation)
	}
	return text
}

// interveneText is empty without interventions.
func interveneText(c train.Config) string {
	o := c.Intervene
	if len(o.Names) == 0 {
		return ""
	}
	text := strings.Join(o.Names, ", ")
	if len(o.Numbers) > 0 {
		text += fmt.Sprintf(" %v", o.Numbers)
	}
	if o.Has("swap") {
		text += ", masks " + cmp.Or(o.MaskDir, o.Masks)
	}
	if o.Has("strata") {
		text += ", strata of " + o.Strata
	}
	return text
}

func metaSteps(every int) string {
	if every <= 1 {
		return "every batch"
	}
	return fmt.Sprintf("every %d-th batch (the paper: every)", every)
}

// perArm lists a setting of all arms. If they share it, there is one line. Otherwise each value has a line that names
// its arms.
func perArm(name string, arms []arm, of func(train.Config) string) (out [][2]string) {
	var values []string
	who := map[string][]string{}
	for _, a := range arms {
		v := of(a.config)
		if v == "" {
			continue
		}
		if !slices.Contains(values, v) {
			values = append(values, v)
		}
		who[v] = append(who[v], a.Name)
	}
	if len(values) == 1 {
		return [][2]string{{name, values[0]}}
	}
	for _, v := range values {
		out = append(out, [2]string{name, strings.Join(who[v], "; ") + ": " + v})
	}
	return out
}
