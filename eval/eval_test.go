package eval_test

import (
	"context"
	"iter"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/sugarme/gotch"

	"github.com/icl-msr/icl-msr/eval"
	"github.com/icl-msr/icl-msr/torch"
)

func features(s *torch.Scope, classes int, labels []int64, rows ...[]float32) eval.Features {
	var flat []float32
	for _, r := range rows {
		flat = append(flat, r...)
	}
	return eval.Features{
		X:       torch.FromSlice(s, flat, gotch.CPU, int64(len(rows)), int64(len(rows[0]))),
		Labels:  labels,
		Classes: classes,
	}
}

func TestKNNMajorityAndTies(t *testing.T) {
	s := torch.NewScope()
	defer s.Close()
	train := features(
		s, 3, []int64{2, 1, 1, 2, 0}, []float32{0, 0}, []float32{1, 0}, []float32{0, 1}, []float32{9, 9}, []float32{8, 9},
	)
	near := features(s, 3, []int64{1, 0}, []float32{0.1, 0.1}, []float32{9, 9.2})
	k := func(n int) eval.KNNConfig {
		c := eval.DefaultKNN()
		c.K = n
		return c
	}
	index, _, err := eval.Neighbours(near, train, k(2))
	require.NoError(t, err)
	assert.Equal(t, int64(0), index[0])
	assert.Equal(t, []int64{3, 4}, index[2:])
	acc, err := eval.KNN(near, train, k(3)) // 2,1,1 -> 1; 2,0,(1 or 2) ties
	require.NoError(t, err)
	assert.GreaterOrEqual(t, acc, 0.5)
	acc, err = eval.KNN(features(s, 3, []int64{0}, []float32{9, 9.2}), train, k(2)) // 2 and 0 tie: the smaller
	require.NoError(t, err)
	assert.Equal(t, 1.0, acc)
	_, err = eval.KNN(near, train, k(6))
	assert.ErrorContains(t, err, "6 neighbours among 5")
}

// Blocks of rows change nothing. The neighbours are those of a plain loop.
func TestNeighboursAcrossBlocks(t *testing.T) {
	s := torch.NewScope()
	defer s.Close()
	rng := rand.New(rand.NewPCG(5, 5))
	const n, m, dim = 600, 70_000, 3 // two blocks of the one, three of the other
	draw := func(n int) ([]float32, eval.Features) {
		x := make([]float32, n*dim)
		for i := range x {
			x[i] = float32(rng.NormFloat64())
		}
		return x, eval.Features{X: torch.FromSlice(s, x, gotch.CPU, int64(n), dim), Labels: make([]int64, n), Classes: 2}
	}
	a, test := draw(n)
	b, train := draw(m)
	for _, metric := range []string{"euclidean", "cosine"} {
		c := eval.KNNConfig{K: 4, Metric: metric, Temperature: 0.07}
		index, near, err := eval.Neighbours(test, train, c)
		require.NoError(t, err)
		require.Len(t, near, n*4)
		for _, i := range []int{0, 511, 512, 599} {
			score := make([]float64, m)
			for j := range m {
				var dot, xx, yy float64
				for k := range dim {
					x, y := float64(a[i*dim+k]), float64(b[j*dim+k])
					dot, xx, yy = dot+x*y, xx+x*x, yy+y*y
				}
				score[j] = 2*dot - yy
				if metric == "cosine" {
					score[j] = dot / math.Sqrt(xx*yy)
				}
			}
			for k := range 4 {
				best := 0
				for j := range score {
					if score[j] > score[best] {
						best = j
					}
				}
				assert.InDelta(t, score[best], near[i*4+k], 1e-5, "%s, row %d, neighbour %d", metric, i, k)
				assert.InDelta(t, score[best], score[index[i*4+k]], 1e-5)
				score[best] = math.Inf(-1)
			}
		}
	}
}

func TestCosineVotesAreWeighted(t *testing.T) {
	s := torch.NewScope()
	defer s.Close()
	// One neighbour in the same direction outweighs two at an angle.
	train := features(s, 2, []int64{0, 1, 1}, []float32{5, 0}, []float32{1, 0.6}, []float32{1, -0.6})
	test := features(s, 2, []int64{0}, []float32{0.1, 0})
	acc, err := eval.KNN(test, train, eval.KNNConfig{K: 3, Metric: "cosine", Temperature: 0.07})
	require.NoError(t, err)
	assert.Equal(t, 1.0, acc)
	acc, err = eval.KNN(test, train, eval.KNNConfig{K: 3, Metric: "cosine", Temperature: 100})
	require.NoError(t, err)
	assert.Equal(t, 0.0, acc, "a plain majority")
	for want, c := range map[string]eval.KNNConfig{
		"0 neighbours":  {},
		"temperature 0": {K: 1, Metric: "cosine"},
		`unknown metric "cosin"; did you mean "cosine"?`: {K: 1, Metric: "cosin"},
	} {
		_, err = eval.KNN(test, train, c)
		assert.ErrorContains(t, err, want)
	}
}

func TestTheProbesOfTheImageNetPapers(t *testing.T) {
	s := torch.NewScope()
	train, test := blobs(s, 600, 7, 1), blobs(s, 300, 7, 2)
	for _, schedule := range []string{"step", "cosine"} {
		c := eval.ImageNetLinear()
		c.Epochs, c.LR, c.Schedule = 30, 1, schedule
		p, err := eval.FitLinear(context.Background(), s, train, c)
		require.NoError(t, err)
		acc, err := p.Score(s, test)
		require.NoError(t, err)
		assert.Greater(t, acc.Top1, 0.9, schedule)
	}
	for want, change := range map[string]func(c *eval.LinearConfig){
		"of 0 epochs":         func(c *eval.LinearConfig) { c.Epochs = 0 },
		"rates -1":            func(c *eval.LinearConfig) { c.LR = -1 },
		`did you mean "step"`: func(c *eval.LinearConfig) { c.Schedule = "stp" },
		"optimizer":           func(c *eval.LinearConfig) { c.Optimizer = "rms" },
	} {
		c := eval.ImageNetLinear()
		change(&c)
		_, err := eval.FitLinear(context.Background(), s, train, c)
		assert.ErrorContains(t, err, want)
	}
	require.NoError(t, s.Close())
}

// blobs draws classes around well-separated centres.
func blobs(s *torch.Scope, n, classes int, seed uint64) eval.Features {
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
	s := torch.NewScope()
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
	knn, err := eval.KNN(test, train, eval.DefaultKNN())
	require.NoError(t, err)
	assert.Greater(t, knn, 0.9)
	require.NoError(t, s.Close())
}

func TestExtractKeepsOrder(t *testing.T) {
	s := torch.NewScope()
	before := torch.Live()
	batches := iter.Seq2[eval.Batch, error](func(yield func(eval.Batch, error) bool) {
		for i := range 3 {
			b := eval.Batch{Pictures: []float32{float32(i), 1, 2, float32(i), 4, 5}, Labels: []int64{int64(i), 9}, Size: 1}
			if !yield(b, nil) {
				return
			}
		}
	})
	flat := func(s *torch.Scope, x torch.Tensor) torch.Tensor { return s.Reshape(x, -1, 3) }
	f, err := eval.Extract(context.Background(), s, batches, torch.Float32(), 7, 10, flat)
	require.NoError(t, err)
	assert.Equal(t, []int64{0, 9, 1, 9, 2, 9}, f.Labels)
	x := torch.Slice[float32](s, f.X)
	assert.Equal(t, []float32{0, 1, 2, 0, 4, 5, 1, 1, 2}, x[:9])
	_, err = eval.Extract(context.Background(), s, batches, torch.Float32(), 5, 10, flat)
	assert.ErrorContains(t, err, "more than the 5 pictures")
	require.NoError(t, s.Close())
	assert.Equal(t, before, torch.Live())
}

// Features that are not finite are an error.
func TestFeaturesThatAreNotFinite(t *testing.T) {
	s := torch.NewScope()
	defer s.Close()
	batches := func(yield func(eval.Batch, error) bool) {
		for range 2 {
			if !yield(eval.Batch{Pictures: make([]float32, 2*3), Labels: []int64{0, 1}, Size: 1}, nil) {
				return
			}
		}
	}
	for name, bad := range map[string]float32{"NaN": float32(math.NaN()), "infinite": float32(math.Inf(-1))} {
		n := 0
		f := func(s *torch.Scope, _ torch.Tensor) torch.Tensor {
			if n++; n == 1 {
				return torch.FromSlice(s, []float32{1, 2, 3, 3e38}, gotch.CPU, 2, 2)
			}
			return torch.FromSlice(s, []float32{1, 2, bad, 4}, gotch.CPU, 2, 2)
		}
		_, err := eval.Extract(context.Background(), s, iter.Seq2[eval.Batch, error](batches), torch.Float32(), 4, 2, f)
		var found *eval.NotFinite
		require.ErrorAs(t, err, &found, name)
		assert.Equal(t, eval.NotFinite{Rows: 1, Of: 4}, *found, name)
		assert.ErrorContains(t, err, "features of 1 of 4 pictures are not finite")
	}
}
