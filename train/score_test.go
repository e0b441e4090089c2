package train

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/icl-msr/icl-msr/eval"
	"github.com/icl-msr/icl-msr/internal/runfolder"
	"github.com/icl-msr/icl-msr/meta"
)

// Scores keep their form in JSON, and scores of earlier versions can be read.
func TestScoresAreWrittenAsEver(t *testing.T) {
	list := eval.Evaluators()
	for _, text := range []string{
		`{"variant":"full","linear":{"top1":0.7125,"top5":0.95,"classes":10},"knn":0.5,"probe_epochs":500,` +
			`"train_pictures":{"read":9,"of":10},"test_pictures":{"read":4,"of":4}}`,
		`{"variant":"foreground","linear":{"top1":0,"classes":4},"knn":0.25,"probe_epochs":2,` +
			`"train_pictures":{"read":9,"of":10},"test_pictures":{"read":4,"of":4}}`,
	} {
		var s Score
		require.NoError(t, json.Unmarshal([]byte(text), &s))
		again, err := json.Marshal(s)
		require.NoError(t, err)
		assert.Equal(t, text, string(again))
		assert.True(t, s.Has(list))
		assert.Equal(t, PictureCount{Read: 9, Of: 10}, s.Train)
		assert.Equal(t, PictureCount{Read: 4, Of: 4}, s.Test)
		line := EpochLine{Epoch: meta.Epoch{Epoch: 3, Scalars: meta.Scalars{{Name: "lr", Value: 0.5}}}}
		line.Evaluation = []Score{s}
		written, err := json.Marshal(line)
		require.NoError(t, err)
		assert.Equal(t, `{"epoch":3,"lr":0.5,"evaluation":[`+text+`]}`, string(written))
		var read EpochLine
		require.NoError(t, json.Unmarshal(written, &read))
		assert.Equal(t, line, read)
	}
	bare, err := json.Marshal(EpochLine{Epoch: meta.Epoch{Epoch: 1}})
	require.NoError(t, err)
	assert.Equal(t, `{"epoch":1}`, string(bare))
}

// A score's JSON and the line of an evaluation in training have the figures of all evaluators, in their order.
func TestEachEvaluatorIsInAScore(t *testing.T) {
	s := Score{Variant: "full", Figures: []eval.Figure{
		{Evaluator: "knn", Value: 0.5, Title: "5-NN", Share: true},
		{Evaluator: "means", Name: "near", Value: 0.125, Title: "near"},
		{Evaluator: "means", Name: "none", Value: math.NaN()},
		{Evaluator: "means", Name: "far", Value: 2},
	}}
	text, err := json.Marshal(s)
	require.NoError(t, err)
	assert.Equal(t, `{"variant":"full","knn":0.5,"means":{"near":0.125,"far":2},"probe_epochs":0,`+
		`"train_pictures":{"read":0,"of":0},"test_pictures":{"read":0,"of":0}}`, string(text))
	var read Score
	require.NoError(t, json.Unmarshal(text, &read))
	assert.Equal(t, []float64{0.5, 0.125, 2}, []float64{read.Value("knn"), read.Value("means.near"),
		read.Value("means.far")})
	assert.True(t, math.IsNaN(read.Value("linear.top1")))
	assert.False(t, read.Has(eval.Evaluators()), "the probe has not scored")
	assert.ErrorContains(t, json.Unmarshal([]byte(`{"variant":"full","knn":"x"}`), &read), "evaluator knn: ")
	s.Test = PictureCount{Read: 4, Of: 5}
	line := EpochLine{Epoch: meta.Epoch{Epoch: 1}, evaluated: evaluated{Evaluation: []Score{s}}}
	assert.Equal(t, "evaluation after epoch 2:  full: linear -, 5-NN 50.00% of 4 of 5 pictures", line.String())
}

// A logger's error that already names the file stays as it is.
func TestALoggersErrorNamesItsFile(t *testing.T) {
	f, err := runfolder.Open(filepath.Join(t.TempDir(), "run"), runfolder.Options{})
	require.NoError(t, err)
	all, err := openLoggers(f, meta.Position{})
	require.NoError(t, err)
	hook := all[0].hook()
	assert.Equal(t, "metrics.jsonl", hook.Name)
	require.NoError(t, hook.OnStep(meta.Step{}))
	require.NoError(t, hook.OnEpoch(nil, meta.Epoch{}))
	require.NoError(t, hook.OnEnd(nil, os.ErrExist))
	text, err := os.ReadFile(runfolder.Metrics(f.Dir))
	require.NoError(t, err)
	assert.Equal(t, `{"epoch":0}`+"\n", string(text))
	require.NoError(t, f.Close())
	failed := hook.OnEpoch(nil, meta.Epoch{})
	assert.ErrorContains(t, failed, "cannot write "+runfolder.Metrics(f.Dir))
	assert.Equal(t, failed, hook.Named(failed))
}
