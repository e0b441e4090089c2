package methods_test

import (
	"strings"

	"github.com/icl-msr/icl-msr/methods"
	"github.com/icl-msr/icl-msr/nets"
)

// paper are the options that make a method of trajectories_more.json what its paper
// and its authors' code say (scripts/reference/trajectories.py).
func paper(method string) (authors, bool) {
	options, ok := map[string]map[string]float64{
		"swav":            {"small_views": 2, "view_norm": 3},
		"swav_queue":      {"small_views": 2, "view_norm": 3, "queue_from": 2.0 / 6},
		"w_mse":           {"views": 4, "view_norm": 1, "epsilon": 0.1},
		"relic":           {"view_norm": 2, "alpha": 0.7},
		"relic_target":    {"view_norm": 2, "alpha": 0.7, "target": 1},
		"ssl_hsic":        {"view_norm": 2},
		"ssl_hsic_target": {"view_norm": 2, "target": 1},
		"dcl":             {"head_bias": float64(nets.LastBias), "view_norm": 2},
		"cmc":             {"head_layers": 1},
	}[method]
	name := strings.TrimSuffix(strings.TrimSuffix(method, "_queue"), "_target")
	return authors{name, options, nets.OptimizerConfig{Name: "adam", WeightDecay: 1e-6}, 3e-3}, ok
}

// config is the method's on the case.
func (f trajectories) config(c trajectory, a authors) methods.Config {
	config := methods.Config{Temperature: c.Temperature, Hidden: f.Hidden, Dim: f.Out, Queue: 32, Options: a.options}
	if w := c.Parameters["prototypes.0.weight"]; len(w) > 0 {
		config.Prototypes = []int64{w[0]}
		if c.Queue == 0 {
			config.Queue = 0
		}
	}
	if config.Temperature == 0 {
		config.Temperature = 0.5
	}
	if a.name == "moco" {
		config.Temperature, config.Momentum = 0.2, 0.99 // 0.999 in the paper; the reference has 0.99
	}
	return config
}

// sizes are those of the case's views.
func (c trajectory) sizes(size int) []int {
	if c.Sizes != nil {
		return c.Sizes
	}
	out := []int{size, size}
	for len(out) < c.Views {
		out = append(out, size)
	}
	if c.Views > 0 {
		out = out[:c.Views]
	}
	return out
}
