package meta_test

import (
	"fmt"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/icl-msr/icl-msr/internal/ranktest"
	"github.com/icl-msr/icl-msr/meta"
	"github.com/icl-msr/icl-msr/nets"
	"github.com/icl-msr/icl-msr/torch"
)

// Heads of other forms, views apart and methods' own options leave the meta
// gradient exact, in both spaces.
func TestMetaGradientWithEachOption(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for _, c := range []struct {
		method  string
		head    nets.HeadConfig
		options map[string]float64
	}{
		{"simclr", nets.HeadConfig{Layers: 2, Last: nets.Affine}, map[string]float64{"view_norm": 1}},
		{"byol", nets.HeadConfig{Layers: 2}, map[string]float64{"view_norm": 2, "predictor_hidden": 3}},
		{"simsiam", nets.HeadConfig{Layers: 3, Biases: nets.NoBias, Last: nets.NonAffine},
			map[string]float64{"view_norm": 2, "predictor_bias": 3, "predictor_steady": 1}},
		{"moco", nets.HeadConfig{Layers: 2, WithoutNorm: true}, map[string]float64{"view_norm": 2, "directions": 1}},
		{"barlow_twins", nets.HeadConfig{Layers: 3, Biases: nets.NoBias}, map[string]float64{"view_norm": 2}},
		{"vicreg", nets.HeadConfig{Layers: 3, Biases: nets.HiddenBias}, map[string]float64{"view_norm": 2}},
		{"swav", nets.HeadConfig{Layers: 1, Biases: nets.LastBias}, map[string]float64{"view_norm": 1}},
		{"swav", nets.HeadConfig{Layers: 2}, map[string]float64{"view_norm": 3}},
		{"relic", nets.HeadConfig{Layers: 2}, map[string]float64{"view_norm": 2, "target": 1}},
		{"ssl_hsic", nets.HeadConfig{Layers: 2}, map[string]float64{"view_norm": 2, "target": 1, "predictor_hidden": 3}},
	} {
		for _, space := range []meta.Space{meta.Embedding, meta.Feature} {
			s := torch.NewScope()
			c.head.Activation = nets.Tanh()
			p := problemWith(t, s, c.method, space, true, c.head, c.options)
			p.Config.Gamma = 1
			var results []meta.Result
			for _, way := range []meta.GradientMethod{meta.Unrolled, meta.ForwardMode, meta.FiniteDifference} {
				p.Config.GradientMethod = way
				r, err := p.Gradient(s)
				require.NoError(t, err, c.method)
				results = append(results, r)
			}
			what := fmt.Sprintf("%s, %s, %v", c.method, space, c.options)
			assert.InDelta(t, 1, cosine(s, results[0].GradCT, results[1].GradCT), 1e-9, what)
			assert.InEpsilon(t, results[0].NormCT, results[1].NormCT, 1e-7, what)
			assert.Greater(t, cosine(s, results[0].GradCT, results[2].GradCT), 0.5, what)
			againstDifferences(t, s, p, results[1], what)
			require.NoError(t, s.Close())
		}
	}
}

// withOptions are runs whose networks are as the methods' authors have them.
func withOptions() []run {
	return []run{
		{method: "simclr", msr: true, options: map[string]float64{"head_last": 1, "view_norm": 1}},
		{method: "byol", msr: true, options: map[string]float64{"view_norm": 2, "predictor_steady": 1},
			change: func(c *meta.Config) { c.Space = meta.Feature }},
		{method: "simsiam", optimizer: "sgd", options: map[string]float64{"head_layers": 3, "head_bias": 2, "head_last": 2,
			"view_norm": 2, "predictor_hidden": 3, "predictor_bias": 3, "predictor_steady": 1}},
		{method: "moco", options: map[string]float64{"head_norm": 0, "view_norm": 2, "directions": 1}},
		{method: "swav", msr: true, options: map[string]float64{"view_norm": 1},
			change: func(c *meta.Config) { c.Space, c.GradientMethod = meta.Feature, meta.Unrolled }},
		{method: "swav", msr: true, options: map[string]float64{"view_norm": 3}},
		{method: "relic", msr: true, options: map[string]float64{"target": 1}},
		{method: "ssl_hsic", msr: true, options: map[string]float64{"view_norm": 2, "target": 1},
			change: func(c *meta.Config) { c.Space = meta.Feature }},
		{method: "relic", msr: true, optimizer: "lars", options: map[string]float64{"view_norm": 2, "head_layers": 1}},
	}
}

// Recomputation, micro-batches and ranks give the same with them.
func TestOptionsInMicroBatchesAndOnRanks(t *testing.T) {
	ranktest.Run(t, []int{2}, func(t *testing.T, g *torch.Group) {
		for _, r := range withOptions() {
			s := torch.NewScope()
			st, epochs := r.train(t, s, g)
			if g.Rank() == 0 {
				one, want := r.train(t, s, nil)
				equal(t, one, st, want, epochs, fmt.Sprintf("%s, %v", r.method, r.options))
				r.same(t, nil)
				r.micro = 4
				r.same(t, nil)
			}
			require.NoError(t, s.Close())
		}
	})
}
