package eval_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/icl-msr/icl-msr/eval"
	"github.com/icl-msr/icl-msr/torch"
)

// A training picture without a label cannot vote. A test picture without one is never right.
func TestKNNOfUnlabelledPictures(t *testing.T) {
	s := torch.NewScope()
	defer s.Close()
	rows := [][]float32{{0, 0}, {1, 0}, {9, 9}}
	labelled := features(s, 2, []int64{0, 0, 1}, rows...)
	for _, label := range []int64{-1, 2} {
		_, err := eval.KNN(labelled, features(s, 2, []int64{0, label, 1}, rows...),
			eval.KNNConfig{K: 1, Metric: "euclidean", Temperature: 1})
		require.ErrorContains(t, err, "picture 1 of the training part has label")
	}
	acc, err := eval.KNN(features(s, 2, []int64{0, -1, 1}, rows...), labelled,
		eval.KNNConfig{K: 1, Metric: "euclidean", Temperature: 1})
	require.NoError(t, err)
	assert.InDelta(t, 2.0/3, acc, 1e-12)
}
