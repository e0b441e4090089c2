package main

import (
	"runtime"
	"time"

	"github.com/sugarme/gotch"

	"github.com/icl-msr/icl-msr/datasets"
	"github.com/icl-msr/icl-msr/internal/suggest"
	"github.com/icl-msr/icl-msr/meta"
	"github.com/icl-msr/icl-msr/methods"
	"github.com/icl-msr/icl-msr/nets"
	"github.com/icl-msr/icl-msr/torch"
)

func setThreads(n int) error {
	if n == 0 {
		n = runtime.NumCPU()
	}
	if err := torch.SetThreads(n); err != nil {
		return usagef("--threads %d: want 0 (all cores) or more", n)
	}
	return nil
}

// method is the one that the configuration names, for a data set of so many
// pictures; 0 where they do not matter.
func (c *config) method(pictures int) (methods.Method, error) {
	m, err := methods.New(c.Method, methods.Config{Temperature: c.Temperature, Hidden: c.Hidden, Dim: c.Dim, Momentum: c.TargetMomentum, Queue: c.Queue, Pictures: int64(pictures), Prototypes: c.Prototypes, Options: c.Options})
	if err != nil {
		return nil, usage{err}
	}
	return m, nil
}

// model builds the networks that the configuration describes; f_msr is nil
// without MSR.
func (c *config) model(pictures int) (*methods.Model, *nets.MSR, error) {
	backbone, err := c.backbone()
	if err != nil {
		return nil, nil, err
	}
	method, err := c.method(pictures)
	if err != nil {
		return nil, nil, err
	}
	model, err := methods.NewModel(method, backbone)
	if err != nil {
		return nil, nil, usage{err}
	}
	if !c.MSR {
		return model, nil, nil
	}
	m := c.msr()
	if err := m.Validate(); err != nil {
		return nil, nil, usage{err}
	}
	f, err := nets.NewMSR(nets.MSRConfig{Trunk: c.MSRTrunk, Width: c.MSRWidth, Stem: nets.Stem(c.Stem), N: m.NumWeights, C: model.WeightWidth(m.Space)})
	if err != nil {
		return nil, nil, usage{err}
	}
	return model, f, nil
}

// state builds the networks, to evaluate them, on the device.
func (c *config) state(s *torch.Scope, pictures int) (*meta.State, error) {
	return c.stateOn(s, pictures, false)
}

// trained is state for steps of one shape.
func (c *config) trained(s *torch.Scope, pictures int) (*meta.State, error) {
	return c.stateOn(s, pictures, true)
}

func (c *config) stateOn(s *torch.Scope, pictures int, training bool) (*meta.State, error) {
	d, err := c.settle(training)
	if err != nil {
		return nil, err
	}
	model, f, err := c.model(pictures)
	if err != nil {
		return nil, err
	}
	st, err := meta.NewState(s, meta.StateOptions{Model: model, MSR: f, Seed: c.Seed, Options: torch.Options{DType: gotch.Float, Device: d},
		Optimizer: nets.OptimizerConfig{Name: c.Optimizer, WeightDecay: c.WeightDecay, Momentum: c.Momentum}})
	if err = c.explain(err, ""); err != nil && !isFault(err) {
		err = usage{err}
	}
	return st, err
}

// open opens a part of the data set; training also uses what has no labels.
func (c *config) open(train bool) (datasets.Dataset, error) { return c.openPart(train, false) }

func (c *config) openPart(train, unlabelled bool) (datasets.Dataset, error) {
	count := 0 // the test part keeps its own size
	if train {
		count = c.Count
	}
	if err := c.checkDepth16(); err != nil {
		return nil, err
	}
	classes, err := datasets.ParseClasses(c.Classes)
	if err != nil {
		return nil, usage{err}
	}
	ds, err := datasets.Open(datasets.Options{Name: c.Dataset, Dir: c.DataDir, Train: train, Count: count, Size: c.Size, Seed: c.DataSeed,
		Correlation: c.Correlation, Foreground: c.Foreground, Classes: classes, Labels: c.ValLabels, Unlabelled: unlabelled, Depth16: datasets.Depth16(c.Depth16)})
	if err != nil || !train || c.Variant == string(datasets.Full) {
		return ds, err
	}
	foreground, ok := ds.(datasets.Foreground)
	if !ok {
		return nil, usagef("--train-variant %s: where the foreground is, is not known of %s", c.Variant, ds.Name())
	}
	var known []string
	for _, v := range datasets.Variants(foreground) {
		if known = append(known, string(v)); string(v) == c.Variant {
			return datasets.WithVariant(foreground, v), nil
		}
	}
	return nil, usage{suggest.Unknown("--train-variant", c.Variant, known)}
}

// seconds prints a duration for people.
func seconds(d time.Duration) string { return d.Round(time.Second).String() }
