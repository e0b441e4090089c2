package experiment

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/icl-msr/icl-msr/eval"
	"github.com/icl-msr/icl-msr/train"
)

func TestDifferencesAreOfTheSeedsThatBothHave(t *testing.T) {
	runs := func(top1 map[uint64]float64) (out []armRun) {
		for seed := range uint64(4) {
			if v, ok := top1[seed]; ok {
				figures := []eval.Figure{{Evaluator: "linear", Name: "top1", Value: v}}
				out = append(out, armRun{Seed: seed, Scores: []train.Score{{Figures: figures}}})
			}
		}
		return out
	}
	a := arm{Name: "a", Runs: runs(map[uint64]float64{0: 0.1, 1: 0.2, 3: 0.4}), Failed: []failure{{2, "why"}}}
	b := arm{Name: "b", Runs: runs(map[uint64]float64{1: 0.3, 2: 0.9, 3: 0.4}), Failed: []failure{{0, "how"}}}
	linear := measures()[0]
	assert.Equal(t, "linear", linear.name)
	d := paired(a, b, 0, linear)
	assert.Equal(t, 2, d.N)
	assert.InDelta(t, 5, d.Mean, 1e-9)
	assert.Equal(t, "23.3 ± 15.3 [-14.6, 61.3] (3 of 4 seeds)", a.cell(0, linear))
	assert.Equal(t, "a, seed 2: why; b, seed 0: how", why(a, b))
	assert.Equal(t, "failed", arm{Failed: []failure{{0, "how"}}}.cell(0, linear))
	assert.Equal(t, "", arm{}.cell(0, linear))
}
