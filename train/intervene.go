package train

import (
	"context"

	"github.com/sugarme/gotch"

	"github.com/icl-msr/icl-msr/datasets"
	"github.com/icl-msr/icl-msr/internal/usage"
	"github.com/icl-msr/icl-msr/interventions"
	"github.com/icl-msr/icl-msr/model"
	"github.com/icl-msr/icl-msr/torch"
)

// logWeights returns the log weights of a batch's negatives (meta.Trainer.LogWeights).
type logWeights func(s *torch.Scope, indices torch.Tensor) torch.Tensor

// intervene adds the configuration's interventions to a loader's options and to the source. Tensors that they keep on
// the device belong to s.
func (c *Config) intervene(
	ctx context.Context, s *torch.Scope, ds datasets.Dataset, o *datasets.LoaderOptions, src *source,
) error {
	e, err := interventions.New(ctx, c.Intervene,
		interventions.Setting{Dataset: ds, Batch: c.BatchSize, Seed: c.Seed, Workers: c.Workers})
	if err != nil {
		return err
	}
	o.Order, src.notes = e.Order, e.Notes
	device, err := torch.ParseDevice(c.Device)
	if err != nil {
		return usage.Wrap(err)
	}
	if e.Weights != nil {
		src.weights = e.Weights.On(s, torch.Options{DType: gotch.Float, Device: device})
	}
	if e.Pictures == nil {
		return s.Err()
	}
	o.Intervene = e.Pictures
	if o.Kept == nil {
		return s.Err()
	}
	o.InterveneKept, err = e.Pictures.Keep(ctx, s, device, c.Workers)
	return err
}

// checkNegatives returns an error if the configuration weighs negatives and the method cannot: it has none, or keeps
// some in a queue.
func (c *Config) checkNegatives(m model.Method) error {
	if _, ok := m.(model.Conditional); ok || !c.Intervene.Has("negatives") {
		return nil
	}
	return usage.Errorf("{interventions.Names} negatives: the loss of {train.Method} %s does not weigh "+
		"negatives; that of "+
		"simclr, dcl and dclw does", c.Method)
}
