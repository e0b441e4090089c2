package methods_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/icl-msr/icl-msr/methods"
	"github.com/icl-msr/icl-msr/model"
	"github.com/icl-msr/icl-msr/nets"
)

// Without options a model has the parameters, by name and in order, that it had
// before there were any: checkpoints of then are read.
func TestTheCommonHead(t *testing.T) {
	names := func(method string, options map[string]float64) (out []string) {
		byName, err := methods.New(method, methods.Config{Temperature: 0.5, Hidden: 8, Dim: 5, Options: options})
		require.NoError(t, err)
		m, err := model.New(byName, nets.WithDim(nets.Seq(nets.GlobalAvgPool()), 3))
		require.NoError(t, err)
		for _, spec := range append(m.Params(), m.Buffers()...) {
			out = append(out, spec.Name)
		}
		for i, steady := range m.Steady() {
			if steady {
				out = append(out, "steady "+m.Params()[i].Name)
			}
		}
		return out
	}
	norm := []string{"projector.1.running_mean", "projector.1.running_var", "projector.1.num_batches_tracked"}
	plain := []string{"projector.0.weight", "projector.0.bias", "projector.1.weight", "projector.1.bias",
		"projector.3.weight", "projector.3.bias"}
	assert.Equal(t, append(plain, norm...), names("simclr", nil))
	assert.Equal(t, []string{"projector.0.weight", "projector.2.weight", "projector.2.bias"},
		names("simclr", map[string]float64{"head_norm": 0, "head_bias": 3}))
	assert.Equal(t, []string{"projector.0.weight", "projector.1.running_mean", "projector.1.running_var",
		"projector.1.num_batches_tracked"},
		names("simclr", map[string]float64{"head_layers": 1, "head_bias": 2, "head_last": 2}))
	predictor := []string{"predictor.0.weight", "predictor.1.weight", "predictor.1.bias", "predictor.3.weight",
		"predictor.3.bias"}
	got := names("simsiam", map[string]float64{"predictor_bias": 3, "predictor_steady": 1})
	assert.Equal(t, predictor, got[len(plain):len(plain)+len(predictor)])
	var steady []string
	for _, name := range predictor {
		steady = append(steady, "steady "+name)
	}
	assert.Equal(t, steady, got[len(got)-len(predictor):])
}

func TestMovingAverages(t *testing.T) {
	for _, c := range []struct {
		method        string
		base, ema     float64 // 0, -1: not given
		start, middle float64
	}{
		{"byol", 0, -1, 0.99, 0.995}, {"byol", 0.996, 1, 0.996, 0.998}, {"byol", 0.9, 0, 0.9, 0.9}, {"directpred", 0.5, -1,
			0.5, 0.75},
		{"moco", 0, -1, 0.999, 0.999}, {"moco", 0.9, 1, 0.9, 0.95}, {"pcl", 0, -1, 0.999, 0.999}, {"ressl", 0, -1, 0.99,
			0.99}, {"ressl", 0.9, 1, 0.9, 0.95},
	} {
		config := methods.Config{Temperature: 0.5, Hidden: 8, Dim: 5, Momentum: c.base, Pictures: 9}
		if c.ema >= 0 {
			config.Options = map[string]float64{"ema": c.ema}
		}
		m, err := methods.New(c.method, config)
		require.NoError(t, err)
		assert.InDeltaSlice(t, []float64{c.start, c.middle}, []float64{m.Momentum(0), m.Momentum(0.5)}, 1e-12, "%+v", c)
	}
}
