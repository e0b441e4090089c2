package eval_test

import (
	"context"
	"errors"
	"flag"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/icl-msr/icl-msr/eval"
	"github.com/icl-msr/icl-msr/torch"
)

// spread is an evaluator of a program of its own: how far the rows are from their mean.
type spread struct {
	Times  float64
	fail   error
	values int // of Score
}

func (e *spread) Name() string { return "spread" }
func (e *spread) Figures() []eval.Figure {
	return []eval.Figure{{Name: "variance", Title: "variance"}, {Name: "rows"}}
}
func (e *spread) Bind(f eval.Flags) { f.Float64Var(&e.Times, "times", e.Times, "factor of the spread") }
func (e *spread) Validate() error   { return nil }

func (e *spread) Fit(context.Context, *torch.Scope, eval.Features) (eval.Fitted, error) {
	return e, nil
}

func (e *spread) Score(_ context.Context, test eval.Features) (out []float64, err error) {
	err = torch.With(func(s *torch.Scope) error {
		v := s.Item(s.Mean(s.VarDim(test.X, true, 0)))
		out = []float64{e.Times * v, float64(len(test.Labels))}[:e.values]
		return errors.Join(s.Err(), e.fail)
	})
	return out, err
}

// The list's figures are those of FitLinear and KNN, in the list's order, for each test part.
func TestEvaluatorsFindWhatTheFunctionsFind(t *testing.T) {
	s, ctx := torch.NewScope(), context.Background()
	defer func() { require.NoError(t, s.Close()) }()
	train, first, second := blobs(s, 210, 7, 1), blobs(s, 90, 7, 2), blobs(s, 70, 7, 3)
	flags := flag.NewFlagSet("", flag.ContinueOnError)
	list := append(eval.Evaluators(), &spread{Times: 1, values: 2})
	list.Bind(flags)
	require.NoError(t, flags.Parse([]string{"-epochs", "5", "-neighbours", "3", "-times", "2"}))
	require.NoError(t, list.Validate())
	fitted, err := list.Fit(ctx, s, train)
	require.NoError(t, err)

	linear, knn := eval.DefaultLinear(), eval.DefaultKNN()
	linear.Epochs, knn.K = 5, 3
	probe, err := eval.FitLinear(ctx, s, train, linear)
	require.NoError(t, err)
	for _, test := range []eval.Features{first, second} {
		figures, err := fitted.Score(ctx, test)
		require.NoError(t, err)
		acc, err := probe.Score(s, test)
		require.NoError(t, err)
		nearest, err := eval.KNN(test, train, knn)
		require.NoError(t, err)
		variance := figures[4].Value
		assert.Equal(t, []eval.Figure{
			{"linear", "top1", "linear top-1", "linear", "linear probe", acc.Top1, true},
			{"linear", "top5", "top-5", "", "", acc.Top5, true},
			{"linear", "classes", "", "", "", 7, false},
			{"knn", "", "3-NN", "", "3 nearest neighbours", nearest, true},
			{"spread", "variance", "variance", "", "", variance, false},
			{"spread", "rows", "", "", "", float64(len(test.Labels)), false},
		}, figures)
		assert.InDelta(t, 2*(6.0/49+0.04), variance, 0.03, "one of seven entries is 1, and noise of 0.2")
		assert.Equal(t, "linear.top5", figures[1].Key())
	}
	main := list.Main()
	require.Len(t, main, 3)
	for i, want := range [][]string{{"linear.top1", "linear", "linear probe"}, {"knn", "3-NN", "3 nearest neighbours"},
		{"spread.variance", "variance", "variance"}} {
		assert.Equal(t, want, []string{main[i].Key(), main[i].Heading(), main[i].Caption()})
	}
	assert.Equal(t, "-", eval.Figure{Value: math.NaN(), Share: true}.String())
	assert.Equal(t, "71.25%", eval.Figure{Value: 0.7125, Share: true}.String())
	assert.Equal(t, "0.5312", eval.Figure{Value: 0.53125}.String())
}

// With fewer than six classes a top-5 says nothing.
func TestNoTopFiveOfFewClasses(t *testing.T) {
	s, ctx := torch.NewScope(), context.Background()
	defer func() { require.NoError(t, s.Close()) }()
	linear, err := eval.Evaluators().Pick("linear")
	require.NoError(t, err)
	fitted, err := linear.Fit(ctx, s, blobs(s, 100, 5, 1))
	require.NoError(t, err)
	figures, err := fitted.Score(ctx, blobs(s, 50, 5, 2))
	require.NoError(t, err)
	assert.Greater(t, figures[0].Value, 0.9)
	assert.Equal(t, "linear.top5", figures[1].Key())
	assert.True(t, math.IsNaN(figures[1].Value), "there is none")
}

func TestEvaluatorsRefuse(t *testing.T) {
	s, ctx := torch.NewScope(), context.Background()
	defer func() { require.NoError(t, s.Close()) }()
	list := eval.Evaluators()
	assert.Equal(t, []string{"linear", "knn"}, list.Names())
	_, err := list.Pick("knn", "linar")
	assert.ErrorContains(t, err, `unknown evaluator "linar"; did you mean "linear"?`)
	picked, err := list.Pick("knn", "linear")
	require.NoError(t, err)
	assert.Equal(t, []string{"knn", "linear"}, picked.Names())

	require.NoError(t, list.Check(eval.TrainingPart{Name: "stl10", Pictures: 5}))
	assert.EqualError(t, list.Check(eval.TrainingPart{Name: "stl10", Pictures: 4}),
		"5 neighbours are more than the 4 pictures of stl10; give fewer by K of eval, or more pictures")
	_, err = picked.Fit(ctx, s, blobs(s, 4, 2, 1))
	assert.ErrorContains(t, err, "evaluator knn: ")
	list.Linear().Epochs = 0
	assert.Nil(t, list[1:].Linear())
	list[1].(*eval.KNNConfig).Metric = "cosin"
	assert.ErrorContains(t, list.Validate(), "0 epochs")
	assert.ErrorContains(t, list.Validate(), `did you mean "cosine"?`)

	short := eval.List{&spread{values: 1}}
	fitted, err := short.Fit(ctx, s, blobs(s, 4, 2, 1))
	require.NoError(t, err)
	_, err = fitted.Score(ctx, blobs(s, 4, 2, 1))
	assert.EqualError(t, err, "evaluator spread: 1 values of 2 figures")

	failing := eval.List{&spread{fail: errors.New("broken")}}
	fitted, err = failing.Fit(ctx, s, blobs(s, 4, 2, 1))
	require.NoError(t, err)
	_, err = fitted.Score(ctx, blobs(s, 4, 2, 1))
	assert.EqualError(t, err, "evaluator spread: broken")
}
