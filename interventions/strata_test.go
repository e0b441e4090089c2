package interventions_test

import (
	"bytes"
	"context"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/icl-msr/icl-msr/datasets"
	"github.com/icl-msr/icl-msr/interventions"
)

func backgrounds(ds datasets.Backgrounds) (kinds, labels []int) {
	for i := range ds.Len() {
		kinds, labels = append(kinds, ds.Background(i, datasets.Full)), append(labels, ds.Label(i))
	}
	return kinds, labels
}

// Each stratum of drawn pictures has one background. The object does not matter.
func TestStrataOfBordersAreBackgrounds(t *testing.T) {
	ds := drawn(t, datasets.Options{Count: 1500, Correlation: 0.5, Seed: 1})
	features, err := interventions.AllBorderFeatures(context.Background(), ds, 1)
	require.NoError(t, err)
	kinds, labels := backgrounds(ds)
	known, err := interventions.KnownStrata(ds)
	require.NoError(t, err)
	assert.Equal(t, 1.0, known.Purity(kinds))
	for name, spherical := range map[string]bool{"euclidean": false, "spherical": true} {
		s, err := interventions.Cluster(features, interventions.ClusterOptions{K: 24, Seed: 2, Spherical: spherical})
		require.NoError(t, err)
		t.Logf("%s: purity of backgrounds %.3f, of labels %.3f (of known backgrounds %.3f)", name, s.Purity(kinds),
			s.Purity(labels), known.Purity(labels))
		assert.Greater(t, s.Purity(kinds), 0.9, name)
		// A stratum tells no more about the label than its background does, except by chance in small strata.
		assert.InDelta(t, known.Purity(labels), s.Purity(labels), 0.06, name)
	}
}

func TestClusterFindsBlobs(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	var rows [][]float64
	var want []int
	for i := range 300 {
		rows = append(rows, []float64{float64(i%3) * 10, float64(i % 3 * i % 3)})
		for k := range rows[i] {
			rows[i][k] += rng.NormFloat64()
		}
		want = append(want, i%3)
	}
	s, err := interventions.Cluster(rows, interventions.ClusterOptions{K: 3})
	require.NoError(t, err)
	assert.Equal(t, 1.0, s.Purity(want))
	assert.InDeltaSlice(t, []float64{1. / 3, 1. / 3, 1. / 3}, s.Shares, 1e-12)
	again, err := interventions.Cluster(rows, interventions.ClusterOptions{K: 3})
	require.NoError(t, err)
	assert.Equal(t, s, again, "the seed decides")
	for j, c := range s.Centres { // each centre is the mean of its rows
		sum, n := 0.0, 0.0
		for i, r := range rows {
			if s.Of[i] == j {
				sum, n = sum+r[0], n+1
			}
		}
		assert.InDelta(t, sum/n, c[0], 1e-9)
	}
	// Rows of one direction are alike, whatever their length.
	var rays [][]float64
	for i := range 60 {
		f := 1 + 50*rng.Float64()
		rays = append(rays, [][]float64{{f, 0}, {0, f}}[i%2])
		want[i] = i % 2
	}
	s, err = interventions.Cluster(rays, interventions.ClusterOptions{K: 2, Spherical: true})
	require.NoError(t, err)
	assert.Equal(t, 1.0, s.Purity(want[:60]))
	for _, k := range []int{0, 301} {
		_, err = interventions.Cluster(rows, interventions.ClusterOptions{K: k})
		assert.ErrorContains(t, err, "want 1 to 300, the number of pictures")
	}
}

func TestSmallStrataAreMerged(t *testing.T) {
	rows := [][]float64{{0}, {0}, {0}, {1}, {9}, {9}, {9}, {9}, {10}}
	s, err := interventions.Cluster(rows, interventions.ClusterOptions{K: 4})
	require.NoError(t, err)
	require.Len(t, s.Shares, 4)
	m, err := s.Merge(3)
	require.NoError(t, err)
	assert.ElementsMatch(t, []int{4, 5}, m.Sizes(), "1 joins 0, and 10 joins 9")
	assert.Equal(t, m.Of[0], m.Of[3])
	assert.Equal(t, m.Of[8], m.Of[4])
	var centres []float64
	for _, c := range m.Centres {
		centres = append(centres, c[0])
	}
	assert.ElementsMatch(t, []float64{0.25, 9.2}, centres)
	plain, err := interventions.NewStrata([]int{5, 5, 5, 5, 7, 9, 9})
	require.NoError(t, err)
	assert.Equal(t, []int{4, 1, 2}, plain.Sizes())
	merged, err := plain.Merge(3)
	require.NoError(t, err)
	assert.Equal(t, []int{4, 3}, merged.Sizes(), "without centres, with the smallest other")
	_, err = plain.Merge(8)
	assert.Error(t, err)
	_, err = interventions.NewStrata([]int{1, -1})
	assert.ErrorContains(t, err, "stratum -1")
}

func TestStrataFile(t *testing.T) {
	ds := drawn(t, datasets.Options{Count: 4})
	s, err := interventions.NewStrata([]int{2, 0, 2, 1})
	require.NoError(t, err)
	var b bytes.Buffer
	require.NoError(t, interventions.WriteStrata(&b, s, ds))
	assert.Equal(t, "0\t2\n1\t0\n2\t2\n3\t1\n", b.String())
	back, err := interventions.ReadStrata(&b, ds)
	require.NoError(t, err)
	assert.Equal(t, []int{0, 1, 0, 2}, back.Of)
	assert.Equal(t, []float64{0.5, 0.25, 0.25}, back.Shares)
	words, err := interventions.ReadStrata(strings.NewReader("# mine\n3,sky\n0, sea\n\n1,sea\n2,sky\n17,sea\n"), ds)
	require.NoError(t, err)
	assert.Equal(t, []int{1, 1, 0, 0}, words.Of)
	for text, want := range map[string]string{
		"0,a\n1,a\n2,b\n":        "no line names picture 3",
		"0,a\n0,b\n":             "line 2: picture 0 has two strata",
		"0 a\n":                  `line 1: "0 a" is not a picture`,
		"0,\n":                   "line 1",
		strings.Repeat("x", 2e6): "token too long",
	} {
		_, err := interventions.ReadStrata(strings.NewReader(text), ds)
		assert.ErrorContains(t, err, want)
	}
}

func FuzzReadStrata(f *testing.F) {
	f.Add("0,a\n1\tb\n2,a")
	f.Add("#\n,\n\t\n0,,\n")
	f.Fuzz(func(t *testing.T, text string) {
		ds, err := datasets.Open(datasets.Options{Name: "shapes", Count: 3})
		require.NoError(t, err)
		s, err := interventions.ReadStrata(strings.NewReader(text), ds)
		if err == nil {
			require.Len(t, s.Of, 3)
		}
	})
}
