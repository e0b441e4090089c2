package train

import (
	"runtime"
	"time"

	"github.com/sugarme/gotch"

	"github.com/icl-msr/icl-msr/datasets"
	"github.com/icl-msr/icl-msr/internal/suggest"
	"github.com/icl-msr/icl-msr/internal/usage"
	"github.com/icl-msr/icl-msr/meta"
	"github.com/icl-msr/icl-msr/methods"
	"github.com/icl-msr/icl-msr/model"
	"github.com/icl-msr/icl-msr/nets"
	"github.com/icl-msr/icl-msr/torch"
)

// SetThreads sets how many threads an operation uses; 0 means one for each core.
func SetThreads(n int) error {
	if n == 0 {
		n = runtime.NumCPU()
	}
	if err := torch.SetThreads(n); err != nil {
		return usage.Errorf("{train.Threads} %d: want 0 (all cores) or more", n)
	}
	return nil
}

// method builds the method for training on so many pictures. Callers that do not train pass 0.
func (c *Config) method(pictures int) (model.Method, error) {
	o := c.MethodConfig
	o.Pictures = int64(pictures)
	m, err := methods.New(c.Method, o)
	if err != nil {
		return nil, usage.Wrap(err)
	}
	return m, nil
}

// Model builds the networks that the configuration describes. f_msr is nil without MSR.
func (c *Config) Model(pictures int) (*model.Model, *nets.MSR, error) {
	backbone, err := c.backbone()
	if err != nil {
		return nil, nil, err
	}
	method, err := c.method(pictures)
	if err != nil {
		return nil, nil, err
	}
	model, err := model.New(method, backbone)
	if err != nil {
		return nil, nil, usage.Wrap(err)
	}
	if !c.UseMSR {
		return model, nil, nil
	}
	f, err := c.msr(model)
	if err != nil {
		return nil, nil, usage.Wrap(err)
	}
	return model, f, nil
}

// msr builds f_msr for a model.
func (c *Config) msr(of *model.Model) (*nets.MSR, error) {
	m := c.Meta()
	if err := m.Validate(); err != nil {
		return nil, err
	}
	net := c.MSRNet
	net.Stem, net.N, net.C = nets.Stem(c.Stem), m.NumWeights, of.WeightWidth(m.Space)
	return nets.NewMSR(net)
}

// State builds the networks on the device, for evaluation.
func (c *Config) State(s *torch.Scope, pictures int) (*meta.State, error) {
	return c.stateOn(s, pictures, false)
}

// trained builds the networks on the device, for training, where all batches have one shape.
func (c *Config) trained(s *torch.Scope, pictures int) (*meta.State, error) {
	return c.stateOn(s, pictures, true)
}

// stateOn sets up the device, and builds the networks on it.
func (c *Config) stateOn(s *torch.Scope, pictures int, training bool) (*meta.State, error) {
	d, err := c.Setup(training)
	if err != nil {
		return nil, err
	}
	model, f, err := c.Model(pictures)
	if err != nil {
		return nil, err
	}
	st, err := meta.NewState(s, meta.StateOptions{
		Model:     model,
		MSR:       f,
		Seed:      c.Seed,
		Options:   torch.Options{DType: gotch.Float, Device: d},
		Optimizer: c.Optimizer,
	})
	if err = c.Explain(err, ""); err != nil && !isFault(err) {
		err = usage.Wrap(err)
	}
	return st, err
}

// Open opens the labelled pictures of the training part or of the test part.
func (c *Config) Open(train bool) (datasets.Dataset, error) { return c.OpenPart(train, false) }

// OpenPart opens the training part or the test part, with or without pictures that have no labels.
func (c *Config) OpenPart(train, unlabelled bool) (datasets.Dataset, error) {
	if err := c.CheckDepth16(); err != nil {
		return nil, err
	}
	o := c.Data
	o.Train, o.Unlabelled, o.Size = train, unlabelled, c.Size
	if !train {
		o.Count = 0 // the test part keeps its own size
	}
	var err error
	if o.Classes, err = datasets.ParseClasses(c.Classes); err != nil {
		return nil, usage.Wrap(err)
	}
	ds, err := datasets.Open(o)
	if err != nil || !train {
		return ds, err
	}
	return c.inVariant(ds)
}

// inVariant returns the training part in the variant that the configuration names.
func (c *Config) inVariant(ds datasets.Dataset) (datasets.Dataset, error) {
	if c.Variant == string(datasets.Full) {
		return ds, nil
	}
	foreground, ok := ds.(datasets.Foreground)
	if !ok {
		return nil, usage.Errorf("{train.Variant} %s: where the foreground is, is not known of %s", c.Variant, ds.Name())
	}
	var known []string
	for _, v := range datasets.Variants(foreground) {
		if known = append(known, string(v)); string(v) == c.Variant {
			return datasets.WithVariant(foreground, v), nil
		}
	}
	return nil, usage.Wrap(suggest.Unknown("{train.Variant}", c.Variant, known))
}

// Seconds formats a duration in whole seconds.
func Seconds(d time.Duration) string { return d.Round(time.Second).String() }
