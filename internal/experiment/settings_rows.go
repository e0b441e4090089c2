package experiment

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/icl-msr/icl-msr/train"
)

// settings tells how runs were made: of what differs between arms, each arm's.
func settings(arms []arm, seeds int, took time.Duration) (out [][2]string) {
	for _, q := range []struct {
		name string
		of   func(train.Config) string
	}{{"network", networkText}, {"data", dataText}, {"training", trainingText}, {"loss", lossText}, {"MSR", msrText}, {"interventions", interveneText}} {
		out = append(out, perArm(q.name, arms, q.of)...)
	}
	return append(out, [2]string{"seeds", fmt.Sprint(seeds)}, [2]string{"time of this call", train.Seconds(took)})
}

func networkText(c train.Config) string {
	return fmt.Sprintf("%s, width %g; head %d to %d", c.Arch, c.Width, c.MethodConfig.Hidden, c.MethodConfig.Dim)
}

func dataText(c train.Config) string {
	text := c.Data.Name
	if c.Classes != "" {
		text += ", classes " + c.Classes
	}
	return text + fmt.Sprintf(", %d pixels, augmentation %s, trained on %s pictures", c.Size, c.Augment, c.Variant)
}

func trainingText(c train.Config) string {
	return fmt.Sprintf("%d epochs of batch %d, %s, rate %g, weight decay %g, %s",
		c.Schedule.Epochs, c.BatchSize, c.Optimizer.Name, c.Schedule.LR, c.Optimizer.WeightDecay, c.Schedule.Kind)
}

func lossText(c train.Config) string { return fmt.Sprintf("tau %g", c.MethodConfig.Temperature) }

// msrText is empty without MSR, where its constants mean nothing.
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

// perArm is a setting of all arms: one line where they share it, and else a line
// for each of its values, which names the arms.
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
