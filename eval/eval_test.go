package eval_test

import (
	"context"
	"iter"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/sugarme/gotch"

	"github.com/icl-msr/icl-msr/eval"
	"github.com/icl-msr/icl-msr/internal/libtorch"
)

func features(s *libtorch.Scope, classes int, labels []int64, rows ...[]float32) eval.Features {
	var flat []float32
	for _, r := range rows {
		flat = append(flat, r...)
	}
	return eval.Features{X: libtorch.FromSlice(s, flat, gotch.CPU, int64(len(rows)), int64(len(rows[0]))), Labels: labels, Classes: classes}
}

func TestKNNMajorityAndTies(t *testing.T) {
	s := libtorch.NewScope()
	defer s.Close()
	train := features(s, 3, []int64{2, 1, 1, 2, 0}, []float32{0, 0}, []float32{1, 0}, []float32{0, 1}, []float32{9, 9}, []float32{8, 9})
	near := features(s, 3, []int64{1, 0}, []float32{0.1, 0.1}, []float32{9, 9.2})
	index, err := eval.Neighbours(near, train, 2)
	require.NoError(t, err)
	assert.Equal(t, int64(0), index[0])
	assert.Equal(t, []int64{3, 4}, index[2:])
	acc, err := eval.KNN(near, train, 3) // 2,1,1 -> 1; 2,0,(1 or 2) ties
	require.NoError(t, err)
	assert.GreaterOrEqual(t, acc, 0.5)
	acc, err = eval.KNN(features(s, 3, []int64{0}, []float32{9, 9.2}), train, 2) // 2 and 0 tie: the smaller
	require.NoError(t, err)
	assert.Equal(t, 1.0, acc)
	_, err = eval.KNN(near, train, 6)
	assert.ErrorContains(t, err, "6 neighbours among 5")
}

// blobs are classes about well-separated centres.
func blobs(s *libtorch.Scope, n, classes int, seed uint64) eval.Features {
	rng := rand.New(rand.NewPCG(seed, 0))
	var rows [][]float32
	var labels []int64
	for i := range n {
		c := i % classes
		row := make([]float32, classes)
		for k := range row {
			row[k] = float32(0.2 * rng.NormFloat64())
		}
		row[c]++
		rows, labels = append(rows, row), append(labels, int64(c))
	}
	return features(s, classes, labels, rows...)
}

func TestLinearProbeSeparatesBlobsAndIsReproducible(t *testing.T) {
	s := libtorch.NewScope()
	train, test := blobs(s, 600, 7, 1), blobs(s, 300, 7, 2)
	c := eval.DefaultLinear()
	c.Epochs, c.BatchSize = 60, 100
	var scores []eval.Accuracy
	for range 2 {
		p, err := eval.FitLinear(context.Background(), s, train, c)
		require.NoError(t, err)
		acc, err := p.Score(s, test)
		require.NoError(t, err)
		scores = append(scores, acc)
	}
	assert.Equal(t, scores[0], scores[1])
	assert.Greater(t, scores[0].Top1, 0.9)
	assert.Greater(t, scores[0].Top5, scores[0].Top1)
	knn, err := eval.KNN(test, train, 5)
	require.NoError(t, err)
	assert.Greater(t, knn, 0.9)
	require.NoError(t, s.Close())
}

func TestExtractKeepsOrder(t *testing.T) {
	s := libtorch.NewScope()
	before := libtorch.Live()
	batches := iter.Seq2[eval.Batch, error](func(yield func(eval.Batch, error) bool) {
		for i := range 3 {
			if !yield(eval.Batch{Pictures: []float32{float32(i), 1, 2, float32(i), 4, 5}, Labels: []int64{int64(i), 9}, Size: 1}, nil) {
				return
			}
		}
	})
	f, err := eval.Extract(context.Background(), s, batches, libtorch.Float32(), 10, func(s *libtorch.Scope, x libtorch.Tensor) libtorch.Tensor {
		return s.Reshape(x, -1, 3)
	})
	require.NoError(t, err)
	assert.Equal(t, []int64{0, 9, 1, 9, 2, 9}, f.Labels)
	x := libtorch.Slice[float32](s, f.X)
	assert.Equal(t, []float32{0, 1, 2, 0, 4, 5, 1, 1, 2}, x[:9])
	require.NoError(t, s.Close())
	assert.Equal(t, before, libtorch.Live())
}
