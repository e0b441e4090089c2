package experiment

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/icl-msr/icl-msr/eval"
	"github.com/icl-msr/icl-msr/internal/page"
	"github.com/icl-msr/icl-msr/train"
)

// tunedArm holds the results of fine-tuning an arm's runs. Each seed that did not fail has a figure for each share of
// the labels.
type tunedArm struct {
	arm        arm // with its failed seeds
	seeds      []uint64
	epochs     []int       // of each share
	top1, top5 [][]float64 // in percent, by seed, by share
}

// ofShare returns the figures of one share.
func ofShare(figures [][]float64, part int) (out []float64) {
	for _, f := range figures {
		out = append(out, f[part])
	}
	return out
}

// fineTuned fine-tunes every run of every arm. Training from scratch comes first.
func (k *LabelStudy) fineTuned(ctx context.Context) (out []tunedArm, err error) {
	add := func(a *arm, scratch bool) error {
		o := k.Tune
		o.Scratch = scratch
		t, err := k.tuneArm(ctx, a, o)
		out = append(out, t)
		return err
	}
	if k.Supervised {
		first := k.arms[0] // its runs say which networks to train; a seed that failed there is missing here, too
		first.Name, first.Failed = "supervised, from scratch", slices.Clone(first.Failed)
		if err := add(&first, true); err != nil {
			return nil, err
		}
	}
	for i := range k.arms {
		if err := add(&k.arms[i], false); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// tuneArm fine-tunes an arm's runs.
func (k *LabelStudy) tuneArm(ctx context.Context, a *arm, o train.FineTuneOptions) (t tunedArm, err error) {
	fives := eval.Accuracy{Classes: classCount(a.config)}.HasTop5()
	for _, r := range a.Runs {
		o.Seed, o.SplitSeed, o.Threads = r.Seed, r.Seed, a.config.Threads
		out, err := r.fineTuned(ctx, k.Log, o)
		if err != nil {
			err = fmt.Errorf("fine-tuning: %w", err)
		}
		failed := err != nil
		if err := k.settled(ctx, a, r.Seed, err); err != nil {
			return t, err
		}
		if failed {
			continue
		}
		var ones, tops []float64
		t.epochs = nil
		for _, f := range out {
			t.epochs = append(t.epochs, f.Epochs)
			five := math.NaN()
			if fives {
				five = 100 * f.Accuracy.Top5
			}
			ones, tops = append(ones, 100*f.Accuracy.Top1), append(tops, five)
		}
		t.seeds, t.top1, t.top5 = append(t.seeds, r.Seed), append(t.top1, ones), append(t.top5, tops)
	}
	t.arm = *a
	return t, nil
}

// recipe describes how long and at which rate each share was fine-tuned.
func (k *LabelStudy) recipe(tuned []tunedArm) [2]string {
	i := slices.IndexFunc(tuned, func(u tunedArm) bool { return len(u.epochs) > 0 })
	if i < 0 {
		return [2]string{"fine-tuning", "all failed"}
	}
	var of []string
	for part, name := range k.Tune.Names() {
		of = append(of, fmt.Sprintf("%s with %s", counted(tuned[i].epochs[part], "epoch"), name))
	}
	return [2]string{"fine-tuning", fmt.Sprintf("%s; rate %g for batches of 256; %s",
		strings.Join(of, ", "), k.Tune.LR, k.Tune.Splits())}
}

// accuracies is the table of all arms.
func (k *LabelStudy) accuracies(tuned []tunedArm) page.Table {
	what := "fine-tuned, top-1 and top-5 in percent; " + k.Tune.Splits()
	t := page.Table{Caption: caption(what, k.Seeds), Head: []string{""}}
	names := k.Tune.Names()
	for _, name := range names {
		t.Head = append(t.Head, name+" top-1", "top-5")
	}
	t.Head = append(t.Head, "paper: 1% top-1, top-5; 10% top-1, top-5")
	var reasons []string
	for _, u := range tuned {
		cells := []string{u.arm.Name}
		for i := range names {
			missing := len(u.arm.Failed)
			cells = append(cells, spread(ofShare(u.top1, i), missing), spread(ofShare(u.top5, i), missing))
		}
		t.Rows, reasons = append(t.Rows, append(cells, tableFour()[u.arm.Name])), append(reasons, why(u.arm))
	}
	return withReasons(t, reasons)
}

// differences is the table of MSR's differences to the method alone and to each ablation. The differences of top-1 are
// primary.
func (k *LabelStudy) differences(grid []row, tuned []tunedArm) page.Table {
	what := "fine-tuned, MSR's paired difference in points"
	t := page.Table{Caption: caption(what, k.Seeds), Head: []string{"method", "to"}}
	names := k.Tune.Names()
	for _, name := range names {
		t.Head = append(t.Head, name+" top-1", "top-5")
	}
	named := map[string]tunedArm{}
	for _, u := range tuned {
		named[u.arm.Name] = u
	}
	var q primary
	var reasons []string
	for _, r := range grid {
		msr := named[r.msr.Name]
		for _, base := range append([]arm{*r.plain}, r.ablated...) {
			to, u := "the method alone", named[base.Name]
			if base.config.UseMSR {
				to = baselineName(base.config)
			}
			cells := []string{r.method, to}
			for i := range names {
				q.add(len(t.Rows), len(cells), u.paired(msr, msr.top1, u.top1, i))
				cells = append(cells, "", u.paired(msr, msr.top5, u.top5, i).String())
			}
			t.Rows, reasons = append(t.Rows, cells), append(reasons, why(u.arm, msr.arm))
		}
	}
	q.into(&t)
	return withReasons(t, reasons)
}

// paired compares b with u in one share, over the seeds that both have.
func (u tunedArm) paired(b tunedArm, theirs, own [][]float64, part int) page.Paired {
	var xs, ys []float64
	for i, seed := range u.seeds {
		if j := slices.Index(b.seeds, seed); j >= 0 {
			xs, ys = append(xs, own[i][part]), append(ys, theirs[j][part])
		}
	}
	return page.Pair(xs, ys)
}
