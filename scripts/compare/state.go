package main

import (
	"math/rand/v2"

	"github.com/icl-msr/icl-msr/meta"
	"github.com/icl-msr/icl-msr/methods"
	"github.com/icl-msr/icl-msr/model"
	"github.com/icl-msr/icl-msr/nets"
	"github.com/icl-msr/icl-msr/torch"
	"github.com/icl-msr/icl-msr/train"
)

// state returns the method on its backbone, and f_msr if msr is true.
func (t task) state(s *torch.Scope, msr bool) (*meta.State, error) {
	c := train.Default()
	c.Method, c.UseMSR, c.Arch, c.Stem = t.method, msr, t.arch, string(t.stem())
	c.MethodConfig.Temperature, c.MethodConfig.Prototypes = methods.RecipeOf(t.method).Temperature, []int64{300}
	switch t.method {
	case "pcl":
		c.MethodConfig.Prototypes, c.MethodConfig.Options = []int64{8, 16}, map[string]float64{"warmup": 0}
	case "w_mse":
		c.MethodConfig.Options = map[string]float64{"epsilon": 0.01}
	}
	m, f, err := c.Model(t.batch)
	if err != nil {
		return nil, err
	}
	adam := nets.OptimizerConfig{Name: "adam", WeightDecay: 1e-6}
	return meta.NewState(s, meta.StateOptions{Model: m, MSR: f, Seed: 1, Options: t.options(), Optimizer: adam})
}

// pictures returns one batch of noise, in the method's views.
func (t task) pictures(m *model.Model) meta.HostBatch {
	rng := rand.New(rand.NewPCG(1, 2))
	draw := func(side int) []float32 {
		x := make([]float32, t.batch*3*side*side)
		for i := range x {
			x[i] = float32(rng.NormFloat64())
		}
		return x
	}
	b := meta.HostBatch{N: t.batch, Size: t.size, Plain: draw(t.size)}
	for _, v := range m.Views() {
		side := t.size
		if v == model.Small {
			side = t.size * 3 / 8
		}
		b.Sizes, b.Views = append(b.Sizes, side), append(b.Views, draw(side))
	}
	for i := range t.batch {
		b.Indices = append(b.Indices, int64(i))
	}
	return b
}
